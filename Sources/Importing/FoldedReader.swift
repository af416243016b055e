import Glibc
package import ProfileModel

/// Reads folded stacks: `frame;frame;frame count`, root first, a line each (https://github.com/brendangregg/FlameGraph).
///
/// Counts may have a fraction, which is rounded. Comments (`# `) and blank lines are passed over, other lines that are
/// no stacks too, and are told of. `_[k]`, `_[j]` and `_[i]` at the end of a name are what they are in our own output.
package struct FoldedReader {
  private static let expected = "folded stacks: 'frame;frame;frame count' on each line"

  private let file: String
  private var names = NameTable()
  private var pile = StackPile()
  /// The line before, and the frames in it with the places behind their `;`, so that equal beginnings are not read again.
  private var previous: [UInt8] = []
  private var frames: [Int32] = []
  private var ends: [Int] = []
  private var total: UInt64 = 0
  private var roundedCount = 0
  private var malformed: (count: Int, firstLine: Int) = (0, 0)

  private init(file: String) { self.file = file }

  package static func read(_ stream: LineStream, file: String) throws(ImportError) -> ImportedProfile {
    var reader = FoldedReader(file: file)
    var stream = stream
    var number = 0
    try unsafe stream.forEach { line in
      number += 1
      unsafe reader.read(line, number: number)
      return true
    }
    return try reader.profile()
  }

  private mutating func read(_ line: UnsafeRawBufferPointer, number: Int) {
    guard let first = unsafe line.first else { return }
    let isComment = first == UInt8(ascii: "#")
    if isComment, unsafe line.count == 1 || line[1] == UInt8(ascii: " ") { return }
    if unsafe line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { return }
    guard let space = unsafe line.lastIndex(of: UInt8(ascii: " ")), space > 0,
      let count = unsafe count(UnsafeRawBufferPointer(rebasing: line[(space + 1)...])),
      count <= ImportedProfile.weightLimit - total
    else {
      malformed = (malformed.count + 1, malformed.count == 0 ? number : malformed.firstLine)
      return
    }
    total += count
    guard count > 0 else { return }
    unsafe split(UnsafeRawBufferPointer(rebasing: line[..<space]))
    pile.add(frames, count: count)
  }

  /// A number, its fraction rounded half up; nil for anything else.
  private mutating func count(_ text: UnsafeRawBufferPointer) -> UInt64? {
    var whole: UInt64 = 0
    var position = 0
    while position < text.count, let digit = unsafe Self.digit(text[position]) {
      let (product, isTooLarge) = whole.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = product.addingReportingOverflow(digit)
      if isTooLarge || overflow { return nil }
      whole = sum
      position += 1
    }
    if position == text.count { return position > 0 ? whole : nil }
    guard unsafe text[position] == UInt8(ascii: "."), text.count > 1 else { return nil }
    let fraction = unsafe UnsafeRawBufferPointer(rebasing: text[(position + 1)...])
    guard unsafe fraction.allSatisfy({ Self.digit($0) != nil }) else { return nil }
    if unsafe fraction.contains(where: { $0 != UInt8(ascii: "0") }) { roundedCount += 1 }
    let isUp = unsafe fraction.first.map { $0 >= UInt8(ascii: "5") } ?? false
    return isUp && whole < .max ? whole + 1 : whole
  }

  private static func digit(_ byte: UInt8) -> UInt64? {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? UInt64(byte - UInt8(ascii: "0")) : nil
  }

  /// Puts the numbers of a stack's frames into `frames`.
  private mutating func split(_ stack: UnsafeRawBufferPointer) {
    let shared = unsafe sharedLength(stack)
    // Frames that end with their `;` in what both lines have are the same.
    var kept = ends.count
    while kept > 0, ends[kept - 1] > shared { kept -= 1 }
    frames.removeSubrange(kept...)
    ends.removeSubrange(kept...)
    var start = ends.last ?? 0
    guard let base = stack.baseAddress else { return }
    while start < stack.count {
      let found = unsafe memchr(base + start, Int32(UInt8(ascii: ";")), stack.count - start)
      let end = unsafe found.map { unsafe UnsafeRawPointer($0) - base } ?? stack.count
      frames.append(unsafe names.number(of: UnsafeRawBufferPointer(start: base + start, count: end - start)))
      ends.append(end + 1)
      start = end + 1
    }
    unsafe keep(stack, from: shared)
  }

  /// How many bytes the line has in common with the one before.
  private func sharedLength(_ stack: UnsafeRawBufferPointer) -> Int {
    let limit = min(stack.count, previous.count)
    return unsafe previous.withUnsafeBytes { previous in
      var length = 0
      while length + 8 <= limit,
        unsafe previous.loadUnaligned(fromByteOffset: length, as: UInt64.self)
          == stack.loadUnaligned(fromByteOffset: length, as: UInt64.self)
      {
        length += 8
      }
      while length < limit, unsafe previous[length] == stack[length] { length += 1 }
      return length
    }
  }

  private mutating func keep(_ stack: UnsafeRawBufferPointer, from shared: Int) {
    previous.removeSubrange(shared...)
    unsafe previous.append(contentsOf: stack[shared...])
  }

  private consuming func profile() throws(ImportError) -> ImportedProfile {
    guard !pile.isEmpty else {
      throw .noStacks(file: file, line: malformed.count > 0 ? malformed.firstLine : nil, expected: Self.expected)
    }
    var warnings: [String] = []
    if malformed.count > 0 {
      let lines =
        malformed.count == 1 ? "1 line is no stack and was" : "\(malformed.count) lines are no stacks and were"
      warnings.append("\(lines) passed over, the first one is line \(malformed.firstLine); expected \(Self.expected)")
    }
    if roundedCount > 0 {
      warnings.append("\(roundedCount) count\(roundedCount == 1 ? " was" : "s were") rounded to whole numbers")
    }
    let frames = (0..<names.count).map { AnnotatedName.frame(names[$0]) }
    let (tree, values) = pile.tree()
    let profile = Profile(
      frames: frames, threads: [ImportedProfile.noThread], stacks: tree,
      values: values.map {
        Profile.Value(thread: 0, stack: $0.stack, weight: Weight(count: $0.count, nanoseconds: 0))
      })
    return ImportedProfile(runs: [profile], warnings: warnings, counting: SampleCounting(ofFolded: profile))
  }
}

extension ImportedProfile {
  /// What all stacks belong to where a file knows no threads.
  static let noThread = ProfiledThread(
    process: ProcessID(rawValue: 0), thread: ThreadID(rawValue: 0), processName: "all", name: "all")
}

/// A name as folded stacks have it, with the mark of its kind.
enum AnnotatedName {
  static func frame(_ text: String) -> Frame {
    var name = text[...]
    var origin = FrameOrigin.user
    var isInlined = false
    if let mark = ["_[k]", "_[j]", "_[i]"].first(where: name.hasSuffix), name.count > mark.count {
      name = name.dropLast(mark.count)
      origin = mark == "_[k]" ? .kernel : mark == "_[j]" ? .jit : .user
      isInlined = mark == "_[i]"
    }
    if name.hasPrefix("[truncated") || name == "-" || name == "--" { origin = .marker }
    if name == "[unknown]" || name.hasPrefix("0x") || name.contains("+0x") && name.hasPrefix("[") {
      origin = .unresolved
    }
    return Frame(function: name.isEmpty ? "[no name]" : String(name), origin: origin, isInlined: isInlined)
  }
}
