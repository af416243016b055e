/// A word of a line, with the blanks before it: perf sets its fields in columns, which tells numbers apart.
struct PerfScriptWord {
  let text: Substring
  let gap: Int

  /// How wide the column is that the word stands at the right edge of. A blank ends the column before.
  var width: Int { max(0, gap - 1) + text.utf8.count }
  var isNumber: Bool { !text.isEmpty && text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } }
  var isHexadecimal: Bool { text.utf8.count <= 16 && !text.isEmpty && text.allSatisfy(\.isHexDigit) }
  /// A column for an address: 16 digits, set to the right.
  var isAddress: Bool { isHexadecimal && width >= 16 }

  static func words(_ line: Substring) -> [PerfScriptWord] {
    var words: [PerfScriptWord] = []
    let bytes = line.utf8
    var position = bytes.startIndex
    while position < bytes.endIndex {
      let start = bytes[position...].firstIndex { $0 != 0x20 && $0 != 0x09 } ?? bytes.endIndex
      guard start < bytes.endIndex else { break }
      let end = bytes[start...].firstIndex { $0 == 0x20 || $0 == 0x09 } ?? bytes.endIndex
      // At the start of a line there is no column before.
      let gap = bytes.distance(from: position, to: start) + (words.isEmpty ? 1 : 0)
      words.append(PerfScriptWord(text: line[start..<end], gap: gap))
      position = end
    }
    return words
  }
}

/// Which fields the first lines of samples have, as `perf script -F` was told: the same ones in all of a file.
struct PerfScriptLayout: Equatable {
  /// A field is there, is not there, or is taken where it stands (nil).
  var hasName: Bool? = true
  var hasIdentifiers: Bool? = true
  var hasTime: Bool?
  var hasPeriod: Bool?
  var hasEvent: Bool?
  /// Whether frames stand on lines of their own; else each line is a sample.
  var hasStacksBelow = true
  /// Whether samples begin with a line that tells of them.
  var hasHeaders = true
  /// Whether blanks at the start of lines were removed.
  var isStripped = false
  /// Whether words stand in columns, as perf sets them; nil where each line is judged by itself.
  var hasColumns: Bool?

  /// What perf prints unless it is told otherwise, with or without each field that follows the thread's number.
  static let standard = PerfScriptLayout()
  /// For a look at lines of which nothing is known.
  private static let unknown = PerfScriptLayout(hasName: nil, hasIdentifiers: nil)

  /// Whether a first line can be told from a frame by itself.
  var isDistinct: Bool { hasTime != false || hasEvent != false }

  private init(hasName: Bool? = true, hasIdentifiers: Bool? = true) {
    self.hasName = hasName
    self.hasIdentifiers = hasIdentifiers
  }

  /// - Parameter lines: the beginning of a file; nil where they are no samples.
  init?(of lines: [String]) {
    let blocks = Self.blocks(of: lines)
    let all = blocks.flatMap { $0 }
    guard !all.isEmpty else { return nil }
    isStripped = !all.contains { $0.first == " " || $0.first == "\t" }
    let hasTab = all.contains { $0.first == "\t" }
    let others = blocks.flatMap { $0.dropFirst() }
    let hasFrames = others.count(where: Self.isPlainFrame) * 2 >= max(1, others.count) && !Self.isPlainFrame(all[0])
    hasStacksBelow = blocks.count > 1 || hasTab || hasFrames
    var candidates = blocks.compactMap(\.first).filter { $0.first != "\t" }
    // Samples without stacks, or such without blank lines between them.
    if blocks.count == 1 {
      candidates += others.filter { $0.first != "\t" && !Self.isPlainFrame($0) && PerfScriptSource($0) == nil }
    }
    hasColumns = all.contains { PerfScriptWord.words($0[...]).contains { $0.gap > 2 } }
    let isStripped = isStripped
    if candidates.allSatisfy({ Self.isFrame($0, isStripped: isStripped) }) {
      guard all.contains(where: { PerfScriptFrame($0) != nil }) else { return nil }
      hasHeaders = false
      return
    }
    judge(candidates)
    let layout = self
    if !hasStacksBelow, !isDistinct {
      // Lines of anything else have no column of addresses.
      guard candidates.contains(where: { PerfScriptHeader($0, layout)?.frame != nil }) else { return nil }
    }
  }

  /// The lines between blank lines, without comments.
  private static func blocks(of lines: [String]) -> [[String]] {
    var blocks: [[String]] = [[]]
    for line in lines where line != "#" && !line.hasPrefix("# ") {
      if line.allSatisfy({ $0 == " " || $0 == "\t" }) {
        if !blocks[blocks.count - 1].isEmpty { blocks.append([]) }
      } else {
        blocks[blocks.count - 1].append(line)
      }
    }
    return blocks.filter { !$0.isEmpty }
  }

  /// Whether a line is a frame and nothing else: `  7f12 f+0x1 (/x)`.
  private static func isPlainFrame(_ line: String) -> Bool {
    guard line.first == " " || line.first == "\t" else { return false }
    let words = PerfScriptWord.words(line[...])
    return words.first?.isHexadecimal == true && PerfScriptHeader.timeIndex(words) == nil
      && !words.dropFirst().contains { $0.isAddress || $0.text.hasSuffix(":") && !$0.text.hasSuffix("::") }
  }

  /// Whether the first line of a sample is its first frame.
  private static func isFrame(_ line: String, isStripped: Bool) -> Bool {
    let words = PerfScriptWord.words(line[...])
    guard let first = words.first, first.isHexadecimal, PerfScriptHeader.timeIndex(words) == nil else { return false }
    guard isStripped else { return first.isAddress }
    return first.text.utf8.count >= 4 && !(words.dropFirst().first?.isNumber ?? false)
      && !words.dropFirst().contains(where: \.isAddress)
  }

  /// Takes the fields that the lines have.
  private mutating func judge(_ candidates: [String]) {
    var layout = Self.unknown
    (layout.hasStacksBelow, layout.isStripped, layout.hasColumns) = (hasStacksBelow, isStripped, hasColumns)
    func headers(_ lines: [String]) -> [PerfScriptHeader] { lines.compactMap { PerfScriptHeader($0, layout) } }
    // Messages may stand among the samples, and a name may look like a field: half of the lines have it.
    func share(_ number: Int, of count: Int) -> Bool? { number == count ? true : number * 2 >= count ? nil : false }
    layout.hasTime = share(headers(candidates).count { $0.time != nil }, of: candidates.count)
    layout.hasEvent = share(headers(candidates).count { !$0.event.isEmpty }, of: candidates.count)
    let lines = candidates.filter { line in
      !layout.isDistinct || PerfScriptHeader(line, layout).map { $0.time != nil || !$0.event.isEmpty } ?? false
    }
    layout.hasPeriod = share(headers(lines).count { $0.period != nil }, of: lines.count)
    // A number may be the end of a name: all lines must have it, but for a few that are damaged.
    layout.hasIdentifiers = headers(lines).count { $0.identifiers != nil } * 10 >= lines.count * 9
    // A name may be empty.
    layout.hasName = headers(lines).contains { ![nil, PerfScriptHeader.noName].contains($0.name) } ? nil : false
    self = layout
  }
}

/// A place in the source below a frame, as `-F +srcline` prints it: `  file.c:12`.
struct PerfScriptSource {
  let file: Substring
  let line: Int

  init?(_ text: String) {
    let text = text[...].drop(while: \.isWhitespace)
    guard let colon = text.lastIndex(of: ":"), colon > text.startIndex,
      let number = Int(text[text.index(after: colon)...]), number >= 0
    else { return nil }
    (file, line) = (text[..<colon], number)
  }
}
