package import ProfileModel

/// Reads the text of perf-script(1): a line that begins a sample, its frames from the leaf on, and a blank line.
///
/// Which fields the first line has (`-F`) is found out from the beginning of the file. Samples without a stack of their
/// own count as well. Lines with a file and a line number below a frame (`-F +srcline`) are its place in the source.
/// Where the periods of samples differ, as in perf's `freq` mode, samples weigh by them.
package struct PerfScriptReader {
  private static let expected = "samples of perf script: 'comm pid/tid time: event:' and frames below"
  private static let slotNanoseconds: UInt64 = 100_000_000
  /// A day and five hours of slots; files that span more have longer ones, so that nobody's arrays of slots explode.
  private static let slotLimit: Int64 = 1 << 20
  /// How much of the file the fields of first lines are judged by.
  private static let headBytes = 1 << 18
  /// What our own exports say of samples that stand for many.
  private static let summedMark = "the period is their number"

  private static let nameless = ProfiledThread(
    process: ProcessID(rawValue: 0), thread: ThreadID(rawValue: 0), processName: PerfScriptHeader.noName,
    name: PerfScriptHeader.noName)

  private struct Sample {
    var header: PerfScriptHeader?
    /// From the leaf to the root.
    var frames: [Int32] = []
    /// Whether the only frame stands in the first line.
    var isFrameBeside = false
  }

  private struct Key: Hashable {
    let event: Int32
    let thread: Int32
    let stack: Int32
  }

  private struct SlotKey: Hashable {
    let key: Key
    /// From the first sample of the file on.
    let slot: Int64
  }

  private let file: String
  private let wantedEvent: String?
  private var layout: PerfScriptLayout?
  /// Lines that wait for the layout.
  private var waiting: [[UInt8]] = []
  private var waitingBytes = 0
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
  private var events: [String: Int32] = [:]
  private var eventList: [PerfEventTotal] = []
  private var weights: [Key: Weight] = [:]
  private var firstTime: UInt64?
  private var slots: [SlotKey: Weight] = [:]
  private var hasAllTimes = true
  private var hasNames = false
  private var periodIsCount = false
  private var open: Sample?
  private var lineNumber = 0
  /// Lines that the reader understands, and those that it does not.
  private(set) var understoodCount = 0
  private var malformed: (count: Int, firstLine: Int) = (0, 0)

  /// - Parameter event: the one whose samples are read; nil for the one that a reader would mean.
  init(file: String, event: String? = nil) {
    self.file = file
    wantedEvent = event
  }

  package static func read(
    _ stream: LineStream, file: String, event: String? = nil
  ) throws(ImportError) -> ImportedProfile {
    var reader = PerfScriptReader(file: file, event: event)
    var stream = stream
    try unsafe stream.forEach { line in
      unsafe reader.add(line)
      return true
    }
    reader.finish()
    return try reader.profile()
  }

  /// Takes the next line.
  mutating func add(_ line: UnsafeRawBufferPointer) {
    if layout != nil { return unsafe read(line) }
    waiting.append(unsafe Array(line))
    waitingBytes += line.count + 1
    if waitingBytes >= Self.headBytes { chooseLayout() }
  }

  /// Takes the last sample.
  mutating func finish() {
    if layout == nil { chooseLayout() }
    close()
  }

  /// Whether there are samples, with more than an event to tell them by.
  var hasSamples: Bool {
    let hasMore =
      firstTime != nil || frameList.contains { $0.origin != .marker } || threadList.contains { $0.thread.rawValue > 0 }
    return !weights.isEmpty && hasMore
  }

  private mutating func chooseLayout() {
    layout = PerfScriptLayout(of: waiting.map { String(decoding: $0, as: UTF8.self) }) ?? .standard
    let lines = waiting
    waiting = []
    for line in lines { unsafe line.withUnsafeBytes { unsafe read($0) } }
  }

  // MARK: - Lines

  private mutating func read(_ bytes: UnsafeRawBufferPointer) {
    lineNumber += 1
    guard let layout else { return }
    if unsafe bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) { return close() }
    let first = unsafe bytes[0]
    let isIndented = first == UInt8(ascii: " ") || first == UInt8(ascii: "\t")
    let canBeFrame = isIndented || layout.isStripped || !layout.hasHeaders
    if open != nil, canBeFrame, layout.hasStacksBelow, let known = unsafe lines.find(bytes) {
      understoodCount += 1
      return append(frameOfLine[Int(known)])
    }
    let line = unsafe String(decoding: bytes, as: UTF8.self)
    if first == UInt8(ascii: "#"), passOver(line, layout) { return }
    let isUnderstood =
      if !layout.hasHeaders {
        unsafe readFrame(line, bytes, layout)
      } else if !layout.hasStacksBelow {
        begin(line, layout)
      } else {
        unsafe readOfBlock(line, bytes, canBeFrame: canBeFrame, layout)
      }
    if isUnderstood {
      understoodCount += 1
    } else {
      malformed = (malformed.count + 1, malformed.count == 0 ? lineNumber : malformed.firstLine)
    }
  }

  /// Whether a line is a comment. Threads' names may begin with the same sign.
  private mutating func passOver(_ line: String, _ layout: PerfScriptLayout) -> Bool {
    if line.hasPrefix("# ") || line == "#" {
      if line.hasSuffix(Self.summedMark) { periodIsCount = true }
      return true
    }
    return PerfScriptHeader(line, layout) == nil
  }

  private mutating func readOfBlock(
    _ line: String, _ bytes: UnsafeRawBufferPointer, canBeFrame: Bool, _ layout: PerfScriptLayout
  ) -> Bool {
    let isTab = unsafe bytes[0] == UInt8(ascii: "\t")
    if open == nil || layout.isDistinct, !isTab, begin(line, layout) { return true }
    if open == nil {
      // The first line of a thread with an empty name, and of no other field, is blank.
      guard isTab, !layout.isDistinct, PerfScriptFrame(line) != nil else { return false }
      open = Sample(header: nil)
    }
    if canBeFrame, unsafe readFrame(line, bytes, layout) { return true }
    if place(line) { return true }
    return !layout.isDistinct && !canBeFrame && begin(line, layout)
  }

  /// Takes a line as a frame of the open sample; where samples have no first lines, also as that of a new one.
  private mutating func readFrame(_ line: String, _ bytes: UnsafeRawBufferPointer, _ layout: PerfScriptLayout) -> Bool {
    guard let frame = PerfScriptFrame(line) else { return open != nil && place(line) }
    if open == nil || !layout.hasStacksBelow {
      close()
      open = Sample(header: nil)
    }
    let index = index(of: frame)
    if unsafe lines.find(bytes) == nil {
      _ = unsafe lines.number(of: bytes)
      frameOfLine.append(index)
    }
    append(index)
    return true
  }

  private mutating func append(_ frame: Int32) {
    // What stands beside the event is another field, such as `addr`, where a stack follows.
    if open?.isFrameBeside == true { open?.frames = [] }
    open?.isFrameBeside = false
    let depth = open?.frames.count ?? 0
    guard depth < StackPile.maximumDepth else {
      // Once, as the root: what lies beyond is left out.
      guard depth == StackPile.maximumDepth else { return }
      let mark = index(of: Frame(function: "[truncated stack]", origin: .marker))
      open?.frames.append(mark)
      return
    }
    open?.frames.append(frame)
  }

  /// Begins a sample; false where the line is no first one.
  private mutating func begin(_ line: String, _ layout: PerfScriptLayout) -> Bool {
    guard let header = PerfScriptHeader(line, layout) else { return false }
    close()
    // Mappings and the like (`perf script --show-mmap-events`) are no samples.
    if header.isRecord { return true }
    open = Sample(header: header)
    guard let frame = header.frame else { return true }
    let index = index(of: frame)
    open?.frames.append(index)
    open?.isFrameBeside = true
    return true
  }

  /// Takes a line such as `file.c:12` as the place in the source of the frame above; false where it is none.
  private mutating func place(_ line: String) -> Bool {
    let text = line.drop(while: \.isWhitespace)
    // Without debugging information it says what the frame says: `[kernel.kallsyms][ffffffff81000130]`, `x.so[12f]`.
    if open?.frames.isEmpty == false, text.hasSuffix("]"), text.contains("[") { return true }
    guard let last = open?.frames.last, let source = PerfScriptSource(line) else { return false }
    let old = frameList[Int(last)]
    // `??:0` where nothing is known.
    guard source.line > 0, source.file != "??" else { return true }
    let index = index(
      of: Frame(
        function: old.function, module: old.module, address: old.address, origin: old.origin, isInlined: old.isInlined,
        source: SourceLocation(file: String(source.file), line: source.line)))
    open?.frames.removeLast()
    open?.frames.append(index)
    return true
  }

  // MARK: - Samples

  /// Counts the sample that was read last.
  private mutating func close() {
    guard let sample = open else { return }
    open = nil
    let header = sample.header
    let event = index(ofEvent: header?.event ?? "")
    if let wantedEvent, !eventList[Int(event)].isCalled(wantedEvent) { return }
    let path = sample.frames.isEmpty ? [index(of: Frame(function: "[no stack]", origin: .marker))] : sample.frames
    guard let stack = stacks.insert(path.reversed().map(Int.init)) else { return }
    let thread = header?.thread ?? (layout?.hasHeaders == true ? Self.nameless : ImportedProfile.noThread)
    if thread != ImportedProfile.noThread { hasNames = true }
    let key = Key(event: event, thread: Int32(index(of: thread)), stack: stack)
    let weight = eventList[Int(event)].add(header?.period, isCount: periodIsCount)
    weights[key, default: .zero] += weight
    guard let time = header?.time else {
      hasAllTimes = false
      return
    }
    let start = firstTime ?? time
    firstTime = start
    // Times are below 2^63.
    let distance = Int64(time) - Int64(start)
    let length = Int64(Self.slotNanoseconds)
    slots[
      SlotKey(key: key, slot: distance >= 0 ? distance / length : -((-distance + length - 1) / length)), default: .zero] +=
      weight
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

  private mutating func index(ofEvent name: String) -> Int32 {
    if let known = events[name] { return known }
    eventList.append(PerfEventTotal(name))
    events[name] = Int32(eventList.count - 1)
    return Int32(eventList.count - 1)
  }

  // MARK: - Profile

  private func profile() throws(ImportError) -> ImportedProfile {
    guard !weights.isEmpty else {
      if let wantedEvent, !eventList.isEmpty {
        throw .noSuchEvent(file: file, event: wantedEvent, known: eventList.map(\.name).filter { !$0.isEmpty }.sorted())
      }
      throw .noStacks(file: file, line: malformed.count > 0 ? malformed.firstLine : nil, expected: Self.expected)
    }
    var warnings: [String] = []
    if malformed.count > 0 {
      let lines = malformed.count == 1 ? "1 line was" : "\(malformed.count) lines were"
      warnings.append("\(lines) not understood and passed over, the first one is line \(malformed.firstLine)")
    }
    let choice = PerfEventChoice(eventList, wanted: wantedEvent)
    warnings += choice.warnings
    var imported = ImportedProfile(
      kind: choice.kind, hasThreads: hasNames, runs: [profile(of: choice)], warnings: warnings)
    imported.amount = choice.amount
    imported.event = choice.name.isEmpty ? nil : choice.name
    return imported
  }

  private func profile(of choice: PerfEventChoice) -> Profile {
    var sums: [Key: Weight] = [:]
    for (key, weight) in weights where choice.contains(Int(key.event)) {
      sums[Key(event: 0, thread: key.thread, stack: key.stack), default: .zero] += choice.weight(weight)
    }
    let used = Set(sums.keys.map(\.thread)).sorted()
    let threadPlaces = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    let threads = namedThreads
    let keys = sums.keys.sorted { ($0.thread, $0.stack) < ($1.thread, $1.stack) }
    let places = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1, Int32($0)) })
    var profile = Profile(
      modules: moduleList, frames: frameList, threads: used.map { threads[Int($0)] }, stacks: stacks.tree,
      values: keys.map {
        Profile.Value(thread: threadPlaces[$0.thread] ?? 0, stack: $0.stack, weight: sums[$0] ?? .zero)
      })
    if hasAllTimes { profile.timeline = timeline(choice, places) }
    guard choice.leavesOut else { return profile }
    // Threads and frames of other events go.
    var merge = ProfileMerge()
    merge.add(profile, thread: { _ in true }, stack: { $0 })
    return merge.profile
  }

  /// - Parameter places: the index of each value.
  private func timeline(_ choice: PerfEventChoice, _ places: [Key: Int32]) -> Timeline? {
    let chosen = slots.filter { choice.contains(Int($0.key.key.event)) }
    guard let start = chosen.keys.lazy.map(\.slot).min(), let end = chosen.keys.lazy.map(\.slot).max() else {
      return nil
    }
    var scale: Int64 = 1
    while (end - start) / scale >= Self.slotLimit { scale *= 2 }
    var sums: [Int64: Weight] = [:]
    for (key, weight) in chosen {
      let place = places[Key(event: 0, thread: key.key.thread, stack: key.key.stack)] ?? 0
      sums[((key.slot - start) / scale) << 32 | Int64(place), default: .zero] += choice.weight(weight)
    }
    return Timeline(
      slotNanoseconds: Self.slotNanoseconds * UInt64(scale),
      entries: sums.sorted { $0.key < $1.key }.map { key, weight in
        Timeline.Entry(
          slot: Int32(key >> 32), value: Int32(truncatingIfNeeded: key), count: weight.count,
          amount: choice.amount == nil ? nil : weight.nanoseconds)
      })
  }

  /// The threads with the names of their processes: that of the main thread, else of the thread that was seen first.
  private var namedThreads: [ProfiledThread] {
    var names: [ProcessID: String] = [:]
    let none = ImportedProfile.noThread.thread
    let numbered = threadList.filter { $0.thread != none || $0.process != ImportedProfile.noThread.process }
    for thread in numbered where thread.thread.rawValue == thread.process.rawValue {
      names[thread.process] = thread.name
    }
    for thread in numbered where names[thread.process] == nil { names[thread.process] = thread.name }
    return threadList.map { thread in
      ProfiledThread(
        process: thread.process, thread: thread.thread, processName: names[thread.process] ?? thread.name,
        name: thread.name)
    }
  }
}
