package import ProfileModel

/// Reads the text of perf-script(1): a line that begins a sample, its frames from the leaf on, and a blank line.
///
/// The fields of the first line may be given or not, except the name and the number of the thread; their order is that
/// of perf. Samples without a stack of their own count as well.
package struct PerfScriptReader {
  private static let expected = "samples of perf script: 'comm pid/tid time: event:' and frames below"
  private static let slotNanoseconds: UInt64 = 100_000_000

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
  /// Lines that the reader does not understand, and how many had no frames.
  private var malformed: (count: Int, firstLine: Int) = (0, 0)

  private init(file: String) { self.file = file }

  package static func read(_ stream: LineStream, file: String) throws(ImportError) -> ImportedProfile {
    var reader = PerfScriptReader(file: file)
    var stream = stream
    var number = 0
    try unsafe stream.forEach { line in
      number += 1
      reader.read(unsafe String(decoding: line, as: UTF8.self), number: number)
      return true
    }
    reader.close()
    return try reader.profile()
  }

  private mutating func read(_ line: String, number: Int) {
    guard let first = line.utf8.first else { return close() }
    if line.allSatisfy(\.isWhitespace) { return close() }
    if first == UInt8(ascii: "#") { return }
    let isIndented = first == UInt8(ascii: " ") || first == UInt8(ascii: "\t")
    if isIndented, open != nil, let frame = PerfScriptFrame(line) {
      let index = self.index(of: frame)
      open?.frames.append(index)
      return
    }
    // The names of threads are set to the right, so that a sample's first line may be indented as well.
    close()
    guard let header = PerfScriptHeader(line) else {
      malformed = (malformed.count + 1, malformed.count == 0 ? number : malformed.firstLine)
      return
    }
    open = Sample(header: header)
    guard let frame = header.frame else { return }
    let index = index(of: frame)
    open?.frames.append(index)
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
      modules: moduleList, frames: frameList, threads: threadList, stacks: stacks.tree,
      values: keys.map { Profile.Value(thread: $0.thread, stack: $0.stack, weight: weights[$0] ?? .zero) })
    if hasAllTimes, let start = times.lazy.map(\.time).min() {
      var counts: [Int64: UInt64] = [:]
      for (key, time) in times {
        let slot = Int64(Int32(clamping: (time - start) / Self.slotNanoseconds))
        counts[slot << 32 | Int64(places[key] ?? 0), default: 0] += 1
      }
      profile.timeline = Timeline(
        slotNanoseconds: Self.slotNanoseconds,
        entries: counts.sorted { $0.key < $1.key }.map { key, count in
          Timeline.Entry(slot: Int32(key >> 32), value: Int32(truncatingIfNeeded: key), count: count)
        })
    }
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
}

/// The first line of a sample: `comm pid/tid [cpu] time: period event: `.
struct PerfScriptHeader {
  let thread: ProfiledThread
  /// Ns of the clock that perf has recorded with.
  let time: UInt64?
  let event: String
  /// What the sample stands for, where the period is a time.
  let nanoseconds: UInt64
  /// The only frame, where samples have no stacks.
  let frame: PerfScriptFrame?

  init?(_ line: String) {
    let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
    // The time, or else the event, ends what tells of the thread.
    let end =
      fields.firstIndex { Self.time($0) != nil } ?? fields.firstIndex { $0.hasSuffix(":") } ?? fields.endIndex
    guard let place = fields[..<end].lastIndex(where: { Self.identifiers($0) != nil }), place > 0,
      let (process, thread) = Self.identifiers(fields[place])
    else { return nil }
    let name = fields[..<place].joined(separator: " ")
    self.thread = ProfiledThread(process: process, thread: thread, processName: name, name: name)
    time = end < fields.endIndex ? Self.time(fields[end]) : nil
    var rest = fields[(time == nil ? end : end + 1)...]
    let period = rest.first.flatMap { UInt64($0) }
    if period != nil { rest = rest.dropFirst() }
    let event = rest.first.map { $0.hasSuffix(":") ? $0.dropLast() : $0 } ?? ""
    self.event = String(event)
    nanoseconds = event.hasPrefix("cpu-clock") || event.hasPrefix("task-clock") ? period ?? 0 : 0
    frame = rest.count > 1 ? PerfScriptFrame(rest.dropFirst().joined(separator: " ")) : nil
  }

  /// `1234.567890:` in ns.
  private static func time(_ field: Substring) -> UInt64? {
    guard field.hasSuffix(":") else { return nil }
    let parts = field.dropLast().split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let seconds = UInt64(parts[0]), seconds < 1 << 33, (1...9).contains(parts[1].count),
      let fraction = UInt64(parts[1])
    else { return nil }
    let scale = (parts[1].count..<9).reduce(UInt64(1)) { product, _ in product * 10 }
    return seconds * 1_000_000_000 + fraction * scale
  }

  /// `pid/tid`, or one number that is both.
  private static func identifiers(_ field: Substring) -> (ProcessID, ThreadID)? {
    let parts = field.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let process = Int32(parts[0]), let thread = Int32(parts[parts.count - 1]),
      process >= -1, thread >= -1
    else { return nil }
    return (ProcessID(rawValue: process), ThreadID(rawValue: thread))
  }
}

/// A frame: `ffffffff81000000 function+0x1c (/path/of/module)`.
struct PerfScriptFrame {
  let address: UInt64
  let function: String
  let module: String?
  let origin: FrameOrigin
  let isInlined: Bool

  init?(_ line: String) {
    let text = line.drop(while: \.isWhitespace)
    let hexadecimal = text.prefix { !$0.isWhitespace }
    guard let address = UInt64(hexadecimal, radix: 16) else { return nil }
    self.address = address
    var name = text.dropFirst(hexadecimal.count).drop(while: \.isWhitespace)
    var place: Substring?
    if name.hasSuffix(")"), let start = Self.placeStart(name) {
      place = name[name.index(after: start)...].dropLast()
      name = name[..<start]
      while name.last?.isWhitespace == true { name = name.dropLast() }
    }
    isInlined = place == "inlined"
    let isKnown = place != nil && place != "[unknown]" && !isInlined
    module = isKnown ? place.map { $0.hasPrefix("[kernel") ? "[kernel]" : String($0) } : nil
    let isKernel = address >= 1 << 63
    let isJIT = place.map { $0.hasPrefix("/tmp/perf-") && $0.hasSuffix(".map") } ?? false
    name = Self.withoutOffset(name)
    if name.isEmpty || name == "[unknown]" {
      function =
        module.map { "[\($0[($0.lastIndex(of: "/").map($0.index(after:)) ?? $0.startIndex)...])]" } ?? "[unknown]"
      origin = .unresolved
    } else {
      function = String(name)
      origin = isKernel ? .kernel : isJIT ? .jit : .user
    }
  }

  /// Where the parenthesis of the module begins: paths may hold others, as in `(/x/y (deleted))`.
  private static func placeStart(_ text: Substring) -> Substring.Index? {
    var depth = 0
    for index in text.indices.reversed() {
      if text[index] == ")" { depth += 1 }
      if text[index] == "(" {
        depth -= 1
        if depth == 0 { return index }
      }
    }
    return nil
  }

  private static func withoutOffset(_ name: Substring) -> Substring {
    guard let plus = name.lastIndex(of: "+"), name[plus...].hasPrefix("+0x"),
      name[name.index(plus, offsetBy: 3)...].allSatisfy(\.isHexDigit)
    else { return name }
    return name[..<plus]
  }
}
