import ProfileModel

/// The first line of a sample: `comm pid/tid [cpu] misc tod time: period event: `, each field there or not.
struct PerfScriptHeader {
  /// The thread's name; nil where the line does not tell it.
  let name: String?
  let identifiers: (process: ProcessID, thread: ThreadID)?
  /// Ns of the clock that perf has recorded with.
  let time: UInt64?
  let event: String
  /// What the sample stands for, in units of its event: ns, cycles, faults.
  let period: UInt64?
  /// The only frame, where samples have no stacks.
  let frame: PerfScriptFrame?
  /// Whether it tells of a mapping or the like, and of no sample.
  let isRecord: Bool

  /// What a thread with an empty name is called.
  static let noName = "[no name]"

  /// Nil for a line that does not have the fields of the layout.
  init?(_ line: String, _ layout: PerfScriptLayout = .standard) {
    var words = PerfScriptWord.words(line[...])
    guard !words.isEmpty else { return nil }
    // Of a guest: `VM:  4711 VCPU:003 `.
    if words[0].text.hasPrefix("VM:") || words[0].text.hasPrefix("VCPU:") {
      words.removeFirst(words.count > 1 && words[0].text == "VM:" ? 2 : 1)
      if words.first?.text.hasPrefix("VCPU:") == true { words.removeFirst() }
    }
    guard let parts = Parts(words, layout) else { return nil }
    (time, period, event) = (parts.time, parts.period, parts.event)
    var left = parts.left
    Self.dropMiddle(&left)
    let found =
      layout.hasIdentifiers == false
      ? nil
      : left.last.flatMap { word in
        let hasColumns = layout.hasColumns ?? words.dropFirst().contains { $0.gap > 1 && !$0.isAddress }
        return Self.identifiers(word, isFirst: left.count == 1, hasColumns: hasColumns)
      }
    guard found != nil || layout.hasIdentifiers != true else { return nil }
    identifiers = found
    if found != nil { left = left.dropLast() }
    // A thread's name may be empty.
    let isNameless = found == nil && layout.hasName == nil
    name = layout.hasName == false ? nil : Self.joined(left) ?? (isNameless ? Self.noName : nil)
    guard name != nil || layout.hasName != true else { return nil }
    frame = Self.frame(parts.rest)
    isRecord = parts.event.hasPrefix("PERF_RECORD_") || parts.rest.first?.text.hasPrefix("PERF_RECORD_") ?? false
  }

  var thread: ProfiledThread {
    switch (name, identifiers) {
    case (let name, let numbers?):
      // As perf calls a thread whose name it does not know.
      let name = name ?? ":\(numbers.thread)"
      return ProfiledThread(process: numbers.process, thread: numbers.thread, processName: name, name: name)
    case (let name?, nil):
      return ProfiledThread(
        process: ProcessID(rawValue: 0), thread: ThreadID(rawValue: 0), processName: name, name: name)
    case (nil, nil): return ImportedProfile.noThread
    }
  }

  /// What ends and follows the words about the thread.
  private struct Parts {
    var left: ArraySlice<PerfScriptWord>
    var time: UInt64?
    var period: UInt64?
    var event = ""
    var rest: ArraySlice<PerfScriptWord>

    init?(_ words: [PerfScriptWord], _ layout: PerfScriptLayout) {
      (left, rest) = (words[...], words[words.endIndex...])
      if layout.hasTime != false, let place = PerfScriptHeader.timeIndex(words) {
        (left, rest) = (words[..<place], words[(place + 1)...])
        time = PerfScriptHeader.time(words[place].text)
        takePeriodBehindTime(layout)
        if layout.hasEvent != false, let word = rest.first, Self.isEvent(word) { takeEvent() }
        guard layout.hasEvent != true || !event.isEmpty else { return nil }
        guard layout.hasPeriod != true || period != nil else { return nil }
        return
      }
      guard layout.hasTime != true else { return nil }
      if layout.hasEvent != false, let place = Self.eventIndex(words) {
        (left, rest) = (words[..<place], words[place...])
        takeEvent()
      } else if layout.hasEvent == true {
        return nil
      } else if !layout.hasStacksBelow, let place = Self.addressIndex(words) {
        (left, rest) = (words[..<place], words[place...])
      }
      takePeriodBefore(layout)
      guard layout.hasPeriod != true || period != nil else { return nil }
    }

    /// The first address behind the thread's fields; an empty name leaves its column blank.
    private static func addressIndex(_ words: [PerfScriptWord]) -> Int? {
      words.indices.first { words[$0].isAddress && ($0 > 0 || words[$0].width > 20) }
    }

    private mutating func takeEvent() {
      event = rest.first.map { String($0.text.dropLast()) } ?? ""
      rest = rest.dropFirst()
    }

    private static func isEvent(_ word: PerfScriptWord) -> Bool { word.text.utf8.count > 1 && word.text.hasSuffix(":") }

    /// The first word with a colon that stands behind a number or the like, else at the end or before an address, else
    /// the first one at all: names may have colons.
    private static func eventIndex(_ words: [PerfScriptWord]) -> Int? {
      let all = words.indices.filter { isEvent(words[$0]) }
      return all.first { $0 > 0 && (words[$0 - 1].isNumber || PerfScriptHeader.isPairOrCPU(words[$0 - 1])) }
        ?? all.first { $0 + 1 == words.count || words[$0 + 1].isHexadecimal && words[$0 + 1].gap > 1 } ?? all.first
    }

    private mutating func takePeriodBehindTime(_ layout: PerfScriptLayout) {
      guard layout.hasPeriod != false, let word = rest.first, word.isNumber, let number = UInt64(word.text) else {
        return
      }
      let next = rest.dropFirst().first
      // An address of decimal digits alone stands in a wider column.
      let isPeriod =
        layout.hasPeriod == true || next.map { Self.isEvent($0) || $0.isAddress } ?? (word.width < 17)
      guard isPeriod else { return }
      period = number
      rest = rest.dropFirst()
    }

    private mutating func takePeriodBefore(_ layout: PerfScriptLayout) {
      guard layout.hasPeriod != false, let word = left.last, word.isNumber, let number = UInt64(word.text) else {
        return
      }
      // The column of a period has 10 digits, that of a thread's number has 5 or 7. Without columns, the thread's number
      // stands before the period.
      let before = left.dropLast().last
      let isBehindThread = before.map { PerfScriptHeader.isPairOrCPU($0) || $0.isNumber } ?? false
      guard
        word.width >= 10 || layout.hasPeriod == true
          || word.gap == 1 && isBehindThread && word.text.utf8.count > 2
            && before?.gap == 1 && left.allSatisfy({ $0.gap == 1 })
      else { return }
      period = number
      left = left.dropLast()
    }
  }

  // MARK: - Words

  /// The place of the time: the first word of its form behind a number or the like, else the first at all. Names may have
  /// such words.
  static func timeIndex(_ words: [PerfScriptWord]) -> Int? {
    var first: Int?
    for (index, word) in words.enumerated() where time(word.text) != nil {
      first = first ?? index
      guard index > 0 else { return index }
      let before = words[index - 1]
      let isMiddle =
        before.isNumber || isPairOrCPU(before) || isMode(before.text) || before.text.first?.isNumber == true
      if isMiddle { return index }
    }
    return first
  }

  /// What `-F misc` prints: `K`, `U`.
  private static func isMode(_ text: Substring) -> Bool {
    text.utf8.count <= 6 && text.allSatisfy { "KUHGgMESdp".contains($0) }
  }

  /// `1234.567890:` in ns.
  static func time(_ field: Substring) -> UInt64? {
    guard field.hasSuffix(":") else { return nil }
    let parts = field.dropLast().split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let seconds = UInt64(parts[0]), seconds < 1 << 33, (1...9).contains(parts[1].count),
      let fraction = UInt64(parts[1])
    else { return nil }
    let scale = (parts[1].count..<9).reduce(UInt64(1)) { product, _ in product * 10 }
    return seconds * 1_000_000_000 + fraction * scale
  }

  private static func isCPU(_ word: PerfScriptWord) -> Bool {
    word.text.hasPrefix("[") && word.text.hasSuffix("]") && Int(word.text.dropFirst().dropLast()) != nil
  }

  static func isPairOrCPU(_ word: PerfScriptWord) -> Bool {
    isCPU(word) || word.text.contains("/") && pair(word.text) != nil
  }

  /// Takes off what stands between the thread and the time: the CPU, the mode (`-F misc`) and the time of day (`-F tod`).
  private static func dropMiddle(_ left: inout ArraySlice<PerfScriptWord>) {
    if let last = left.last?.text, last.contains(":"), last.contains("."), last.first?.isNumber == true,
      left.dropLast().last.map({ $0.text.contains("-") && $0.text.first?.isNumber == true }) ?? false
    {
      left = left.dropLast(2)
    }
    if let last = left.last, isMode(last.text), let before = left.dropLast().last,
      isPairOrCPU(before) || before.isNumber && before.width >= 5
    {
      left = left.dropLast()
    }
    if let last = left.last, isCPU(last) { left = left.dropLast() }
  }

  /// `pid/tid`, or one number that is both. In columns, a number that is not set to the right ends a name: `worker 3`.
  private static func identifiers(
    _ word: PerfScriptWord, isFirst: Bool, hasColumns: Bool
  ) -> (process: ProcessID, thread: ThreadID)? {
    guard let pair = pair(word.text) else { return nil }
    return word.text.contains("/") || word.width >= 5 || isFirst || !hasColumns ? pair : nil
  }

  private static func pair(_ field: Substring) -> (process: ProcessID, thread: ThreadID)? {
    let parts = field.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let process = Int32(parts[0]), let thread = Int32(parts[parts.count - 1]),
      process >= -1, thread >= -1
    else { return nil }
    return (ProcessID(rawValue: process), ThreadID(rawValue: thread))
  }

  /// A name as it stands, with the blanks within it.
  private static func joined(_ words: ArraySlice<PerfScriptWord>) -> String? {
    guard let first = words.first else { return nil }
    return words.dropFirst().reduce(into: String(first.text)) { name, word in
      name += String(repeating: " ", count: word.gap) + word.text
    }
  }

  /// The frame behind the event: an address set apart. Of several, the last: the others are fields such as `addr`.
  private static func frame(_ rest: ArraySlice<PerfScriptWord>) -> PerfScriptFrame? {
    var rest = rest
    guard let first = rest.first, first.isHexadecimal, first.gap >= 2 || first.isAddress else { return nil }
    while let next = rest.dropFirst().first, next.isAddress { rest = rest.dropFirst() }
    return PerfScriptFrame(joined(rest) ?? "")
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
    guard let address = UInt64(hexadecimal, radix: 16), hexadecimal.first?.isHexDigit == true else { return nil }
    self.address = address
    var name = text.dropFirst(hexadecimal.count).drop(while: \.isWhitespace)
    while name.last?.isWhitespace == true { name = name.dropLast() }
    var place: Substring?
    var isInlined = false
    // `-F dsoff` says where in the module: `(/lib/x.so+0x12)`.
    while name.hasSuffix(")"), let start = Self.placeStart(name) {
      let found = name[name.index(after: start)...].dropLast()
      // `(inlined)` may follow the module.
      if found == "inlined" { isInlined = true } else { place = Self.withoutOffset(found) }
      name = name[..<start]
      while name.last?.isWhitespace == true { name = name.dropLast() }
      if found != "inlined" { break }
    }
    self.isInlined = isInlined
    let isKnown = place != nil && place != "[unknown]"
    module = isKnown ? place.map(Self.module) : nil
    let isKernel = address >= 1 << 63 || module.map { $0 == "[kernel]" || $0 == "[guest.kernel]" } ?? false
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

  /// What we call a module: the kernel's own code has one name, wherever perf found its symbols.
  private static func module(_ place: Substring) -> String {
    if place.hasPrefix("[guest.kernel") { return "[guest.kernel]" }
    if place.hasPrefix("[kernel") { return "[kernel]" }
    let file = place.lastIndex(of: "/").map { place[place.index(after: $0)...] } ?? place
    // `vmlinux`, `vmlinux-6.1.0-18-amd64`, `vmlinux.debug`, in any directory.
    let isVMLinux = file == "vmlinux" || file.hasPrefix("vmlinux-") || file.hasPrefix("vmlinux.")
    return isVMLinux ? "[kernel]" : String(place)
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
