import Compression
package import ProfileModel
import SwiftProtobuf

/// Reads pprof files of any program, compressed or not.
///
/// Nothing in the file is trusted: numbers are checked before they are used, and what a small file could unfold to is
/// limited.
package struct PprofReader {
  /// What is read at most.
  package struct Limits: Sendable {
    package var sizeBytes = 128 << 20
    package var framesPerStack = 1 << 14
    /// Of all samples together.
    package var frames = 1 << 26
    package var runs = 1 << 12
    /// Samples, locations, functions, and what is in them.
    package var parts = 8 << 20
    /// Numbers of locations and values of all samples.
    package var numbers = 1 << 26

    package init() {}
  }

  private struct Key: Hashable {
    let run: Int64
    let thread: Int
    let stack: Int32
    let labels: Int32
  }

  /// A frame takes a byte of its sample at the least, unless it is inlined: a location has a few of those.
  private static let mostFramesPerByte = 4
  private static let freeFrames = 1 << 20

  private let file: Perftools_Profiles_Profile
  private let limits: Limits
  private var frames: PprofFrames
  private var threads: [ProfiledThread: Int] = [:]
  private var threadList: [ProfiledThread] = []
  private var stacks = StackTreeBuilder()
  private var labelTable = LabelTable()
  private var places: [Key: Int] = [:]
  private var values: [(key: Key, weight: Weight)] = []
  private var total = Weight.zero
  private var frameCount = 0
  /// How many objects the bytes of a heap's profile are.
  private var objects = 0.0

  /// - Parameters:
  ///   - bytes: of the whole file.
  ///   - event: the type of values to show, `inuse_space` for instance; nil for the one that the file says.
  package static func read(
    _ bytes: [UInt8], limits: Limits = Limits(), event: String? = nil
  ) throws(PprofError) -> ImportedProfile {
    let raw = try uncompressed(bytes, limits)
    guard raw.count <= limits.sizeBytes else { throw .tooLarge(limitBytes: limits.sizeBytes) }
    try PprofBudget.check(raw, limits)
    var limits = limits
    limits.frames = min(limits.frames, freeFrames + raw.count * mostFramesPerByte)
    var reader = try PprofReader(decode(raw), limits)
    return try reader.read(event)
  }

  private static func uncompressed(_ bytes: [UInt8], _ limits: Limits) throws(PprofError) -> [UInt8] {
    guard Gzip.isGzip(bytes) else { return bytes }
    do { return try Gzip.decompress(bytes, limitBytes: limits.sizeBytes) } catch {
      switch error {
      case .damaged: throw .notDecompressed
      case .tooLarge(let limit): throw .tooLarge(limitBytes: limit)
      }
    }
  }

  private static func decode(_ bytes: [UInt8]) throws(PprofError) -> Perftools_Profiles_Profile {
    var options = BinaryDecodingOptions()
    options.discardUnknownFields = true
    do { return try Perftools_Profiles_Profile(serializedBytes: bytes, options: options) } catch {
      guard error as? BinaryDecodingError == .invalidUTF8 else { throw .notDecoded }
    }
    // Names are bytes to those who write them.
    let repaired = PprofFields.repairingTexts(of: bytes)
    do { return try Perftools_Profiles_Profile(serializedBytes: repaired, options: options) } catch {
      throw error as? BinaryDecodingError == .invalidUTF8 ? .invalidText : .notDecoded
    }
  }

  private init(_ file: Perftools_Profiles_Profile, _ limits: Limits) throws(PprofError) {
    self.file = file
    self.limits = limits
    frames = try PprofFrames(file)
  }

  private mutating func read(_ event: String?) throws(PprofError) -> ImportedProfile {
    guard !file.sample.isEmpty else { throw .noSamples }
    let types = try PprofValueTypes(file, wanted: event)
    for (index, sample) in file.sample.enumerated() {
      try add(sample, number: index + 1, types)
    }
    guard !values.isEmpty else { throw .noSamples }
    return ImportedProfile(
      kind: types.kind, unit: types.unit, hasThreads: threadList.contains { $0 != Self.noThread }, runs: try runs(),
      warnings: types.warnings,
      counting: types.counting(values.map(\.weight.count), objects: types.objectsIndex == nil ? nil : objects),
      frequencyHertz: types.frequencyHertz)
  }

  /// What stands for the threads of a file that names none.
  private static let noThread = ProfiledThread(
    process: ProcessID(rawValue: 0), thread: ThreadID(rawValue: 0), processName: "all", name: "all")

  private mutating func add(
    _ sample: Perftools_Profiles_Sample, number: Int, _ types: PprofValueTypes
  ) throws(PprofError) {
    guard let weight = try types.weight(of: sample.value, sample: number) else { return }
    let (count, countOverflow) = total.count.addingReportingOverflow(weight.count)
    let (time, timeOverflow) = total.nanoseconds.addingReportingOverflow(weight.nanoseconds)
    // Far from the end of the numbers, so that several files can be added up.
    guard !countOverflow, !timeOverflow, max(count, time) < 1 << 60 else { throw .valuesTooLarge(sample: number) }
    total = Weight(count: count, nanoseconds: time)
    if let index = types.objectsIndex { objects += Double(sample.value[index]) }
    guard let stack = stacks.insert(try stack(of: sample, number: number)) else { return }
    let labels = try PprofLabels(sample.label, strings: file.stringTable, sample: number)
    let thread = index(of: labels.thread ?? Self.noThread)
    let key = Key(
      run: labels.run, thread: thread, stack: stack, labels: labelTable.number(of: labels.others))
    if let place = places[key] {
      values[place].weight += weight
    } else {
      places[key] = values.count
      values.append((key, weight))
    }
  }

  /// Indices of frames from the root to the leaf.
  private mutating func stack(
    of sample: Perftools_Profiles_Sample, number: Int
  ) throws(PprofError) -> [Int] {
    var stack: [Int] = []
    for id in sample.locationID.reversed() {
      let frames = try frames.frames(of: id, sample: number)
      guard stack.count + frames.count <= limits.framesPerStack else {
        throw .stackTooDeep(sample: number, limit: limits.framesPerStack)
      }
      stack += frames
    }
    if stack.isEmpty { stack = [frames.noStack] }
    frameCount += stack.count
    guard frameCount <= limits.frames else { throw .tooManyFrames(limit: limits.frames) }
    return stack
  }

  private mutating func index(of thread: ProfiledThread) -> Int {
    if let known = threads[thread] { return known }
    threadList.append(thread)
    threads[thread] = threadList.count - 1
    return threadList.count - 1
  }

  private func runs() throws(PprofError) -> [Profile] {
    var byRun: [Int64: [Profile.Value]] = [:]
    for (key, weight) in values {
      byRun[key.run, default: []].append(
        Profile.Value(thread: key.thread, stack: key.stack, labels: key.labels, weight: weight))
    }
    guard byRun.count <= limits.runs else { throw .tooManyRuns(limit: limits.runs) }
    return byRun.sorted { $0.key < $1.key }.map { _, values in
      Profile(
        modules: frames.modules, frames: frames.list, threads: threadList, stacks: stacks.tree, labels: labelTable,
        values: values)
    }
  }
}
