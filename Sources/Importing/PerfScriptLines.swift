import ProfileModel

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
        guard depth == 0 else { continue }
        // Without modules (`-F ip,sym`) it may be the end of a name: `operator()(int)`.
        let isApart = index == text.startIndex || text[text.index(before: index)].isWhitespace
        return isApart ? index : nil
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
