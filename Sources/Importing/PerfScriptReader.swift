package import ProfileModel

/// Reads the text of perf-script(1): a line that begins a sample, its frames from the leaf on, and a blank line.
///
/// The fields of the first line may be given or not, except the name and the number of the thread; their order is that
/// of perf. Samples without a stack of their own count as well. Lines with a file and a line number below a frame
/// (`-F +srcline`) are its place in the source.
package struct PerfScriptReader {
  private static let expected = "samples of perf script: 'comm pid/tid time: event:' and frames below"
  private static let slotNanoseconds: UInt64 = 100_000_000
  /// A day and five hours of slots; files that span more have longer ones, so that nobody's arrays of slots explode.
  private static let slotLimit: UInt64 = 1 << 20

  private struct Sample {
    var header: PerfScriptHeader
    /// From the leaf to the root.
    var frames: [Int32] = []
  }

  private struct Key: Hashable {
    let thread: Int
    let stack: Int32
  }

  private let file: String
  /// Lines that hold frames, as they stand, and the frame of each: most are there many times.
  private var lines = NameTable()
  private var frameOfLine: [Int32] = []
  private var frames: [Frame: Int32] = [:]
  private var frameList: [Frame] = []
  private var modules: [String: Int] = [:]
  private var moduleList: [Module] = []
  private var threads: [ProfiledThread: Int] = [:]
  private var threadList: [ProfiledThread] = []
  private var stacks = StackTreeBuilder()
  private var weights: [Key: Weight] = [:]
  private var times: [(key: Key, time: UInt64)] = []
  private var hasAllTimes = true
  private var events: Set<String> = []
  private var open: Sample?
  /// Lines that the reader does not understand.
  private var malformed: (count: Int, firstLine: Int) = (0, 0)

  private init(file: String) { self.file = file }

  package static func read(_ stream: LineStream, file: String) throws(ImportError) -> ImportedProfile {
    var reader = PerfScriptReader(file: file)
    var stream = stream
    var number = 0
    try unsafe stream.forEach { line in
      number += 1
      unsafe reader.read(line, number: number)
      return true
    }
    reader.close()
    return try reader.profile()
  }

  private mutating func read(_ bytes: UnsafeRawBufferPointer, number: Int) {
    if unsafe bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) { return close() }
    let first = unsafe bytes[0]
    if first == UInt8(ascii: "#") { return }
    let isIndented = first == UInt8(ascii: " ") || first == UInt8(ascii: "\t")
    if isIndented, open != nil, let known = unsafe lines.find(bytes) {
      open?.frames.append(frameOfLine[Int(known)])
      return
    }
    let line = unsafe String(decoding: bytes, as: UTF8.self)
    var header = PerfScriptHeader(line)
    if isIndented, open != nil, header?.time == nil, header?.event.isEmpty == true { header = nil }
    // The names of threads are set to the right, so that a sample's first line may be indented as well; `dd` and `cc`
    // are programs and hexadecimal numbers. A time makes the difference.
    if isIndented, open != nil, header?.time == nil, let frame = PerfScriptFrame(line) {
      let index = index(of: frame)
      _ = unsafe lines.number(of: bytes)
      frameOfLine.append(index)
      open?.frames.append(index)
    } else if let header {
      begin(header)
    } else if !isIndented || !place(line) {
      malformed = (malformed.count + 1, malformed.count == 0 ? number : malformed.firstLine)
    }
  }

  private mutating func begin(_ header: PerfScriptHeader) {
    close()
    open = Sample(header: header)
    guard let frame = header.frame else { return }
    let index = index(of: frame)
    open?.frames.append(index)
  }

  /// Takes a line such as `file.c:12` as the place in the source of the frame above; false where it is none.
  private mutating func place(_ line: String) -> Bool {
    let text = line.drop(while: \.isWhitespace)
    // Without debugging information it says what the frame says: `[kernel.kallsyms][ffffffff81000130]`.
    if open != nil, text.hasSuffix("]") { return true }
    guard let last = open?.frames.last, let colon = text.lastIndex(of: ":"), colon > text.startIndex,
      let number = Int(text[text.index(after: colon)...]), number >= 0
    else { return false }
    let old = frameList[Int(last)]
    // `??:0` where nothing is known.
    guard number > 0, text[..<colon] != "??" else { return true }
    let index = index(
      of: Frame(
        function: old.function, module: old.module, address: old.address, origin: old.origin, isInlined: old.isInlined,
        source: SourceLocation(file: String(text[..<colon]), line: number)))
    open?.frames.removeLast()
    open?.frames.append(index)
    return true
  }

  /// Counts the sample that was read last.
  private mutating func close() {
    guard let sample = open else { return }
    open = nil
    let header = sample.header
    let path = sample.frames.isEmpty ? [index(of: Frame(function: "[no stack]", origin: .marker))] : sample.frames
    guard let stack = stacks.insert(path.reversed().map(Int.init)) else { return }
    let key = Key(thread: index(of: header.thread), stack: stack)
    events.insert(header.event)
    let (time, overflow) = (weights[key]?.nanoseconds ?? 0).addingReportingOverflow(header.nanoseconds)
    weights[key] = Weight(count: (weights[key]?.count ?? 0) + 1, nanoseconds: overflow ? .max : time)
    if let time = header.time { times.append((key, time)) } else { hasAllTimes = false }
  }

  private mutating func index(of frame: PerfScriptFrame) -> Int32 {
    index(
      of: Frame(
        function: frame.function, module: frame.module.map { index(ofModule: $0) }, address: frame.address,
        origin: frame.origin, isInlined: frame.isInlined))
  }

  private mutating func index(of frame: Frame) -> Int32 {
    if let known = frames[frame] { return known }
    frameList.append(frame)
    frames[frame] = Int32(frameList.count - 1)
    return Int32(frameList.count - 1)
  }

  private mutating func index(ofModule path: String) -> Int {
    if let known = modules[path] { return known }
    moduleList.append(Module(path: path))
    modules[path] = moduleList.count - 1
    return moduleList.count - 1
  }

  private mutating func index(of thread: ProfiledThread) -> Int {
    if let known = threads[thread] { return known }
    threadList.append(thread)
    threads[thread] = threadList.count - 1
    return threadList.count - 1
  }

  private func profile() throws(ImportError) -> ImportedProfile {
    guard !weights.isEmpty else {
      throw .noStacks(file: file, line: malformed.count > 0 ? malformed.firstLine : nil, expected: Self.expected)
    }
    let keys = weights.keys.sorted { ($0.thread, $0.stack) < ($1.thread, $1.stack) }
    let places = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1, Int32($0)) })
    var profile = Profile(
      modules: moduleList, frames: frameList, threads: namedThreads, stacks: stacks.tree,
      values: keys.map { Profile.Value(thread: $0.thread, stack: $0.stack, weight: weights[$0] ?? .zero) })
    if hasAllTimes { profile.timeline = timeline(places) }
    var warnings: [String] = []
    if malformed.count > 0 {
      let lines = malformed.count == 1 ? "1 line was" : "\(malformed.count) lines were"
      warnings.append("\(lines) not understood and passed over, the first one is line \(malformed.firstLine)")
    }
    if events.count > 1 {
      warnings.append("samples of several events count alike: \(events.sorted().joined(separator: ", "))")
    }
    let ticking = ["cpu-clock", "task-clock", "cycles", "cpu-cycles"]
    let isOnCPU = events.allSatisfy { event in ticking.contains { event.hasPrefix($0) } }
    return ImportedProfile(kind: isOnCPU ? .onCPU : nil, hasThreads: true, runs: [profile], warnings: warnings)
  }

  /// - Parameter places: the index of each value.
  private func timeline(_ places: [Key: Int32]) -> Timeline? {
    guard let start = times.lazy.map(\.time).min(), let end = times.lazy.map(\.time).max() else { return nil }
    var slotNanoseconds = Self.slotNanoseconds
    while (end - start) / slotNanoseconds >= Self.slotLimit { slotNanoseconds *= 2 }
    var counts: [Int64: UInt64] = [:]
    for (key, time) in times {
      let slot = Int64((time - start) / slotNanoseconds)
      counts[slot << 32 | Int64(places[key] ?? 0), default: 0] += 1
    }
    return Timeline(
      slotNanoseconds: slotNanoseconds,
      entries: counts.sorted { $0.key < $1.key }.map { key, count in
        Timeline.Entry(slot: Int32(key >> 32), value: Int32(truncatingIfNeeded: key), count: count)
      })
  }

  /// The threads with the names of their processes: that of the main thread, else of the thread that was seen first.
  private var namedThreads: [ProfiledThread] {
    var names: [ProcessID: String] = [:]
    for thread in threadList where thread.thread.rawValue == thread.process.rawValue {
      names[thread.process] = thread.name
    }
    for thread in threadList where names[thread.process] == nil { names[thread.process] = thread.name }
    return threadList.map { thread in
      ProfiledThread(
        process: thread.process, thread: thread.thread, processName: names[thread.process] ?? thread.name,
        name: thread.name)
    }
  }
}
