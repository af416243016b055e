import Glibc
package import ProfileModel

/// Reads folded stacks: `frame;frame;frame count`, root first, a line each (https://github.com/brendangregg/FlameGraph).
///
/// Counts may have a fraction: all are then multiplied by the power of ten that makes them whole. Where every line has two
/// counts, the file is a difference (`difffolded.pl`, `swprof diff --folded`): before and after. Comments (`# `) and blank
/// lines are passed over, other lines that are no stacks too, and are told of. `_[k]`, `_[j]` and `_[i]` at the end of a
/// name are what they are in our own output.
package struct FoldedReader {
  private static let expected = "folded stacks: 'frame;frame;frame count' on each line"

  private let file: String
  private var names = NameTable()
  /// Stacks by their last count, and in a difference, by the one before it.
  private var pile = StackPile()
  private var basePile = StackPile()
  /// Lines that have two counts, while all of them do: read without the first count, and whole, should it be none.
  private var twoCounts: TwoCounts? = TwoCounts()
  /// The line before, and the frames in it with the places behind their `;`, so that equal beginnings are not read again.
  private var previous: [UInt8] = []
  private var frames: [Int32] = []
  private var ends: [Int] = []
  private var total = ExactCount.zero
  private var roundedCount = 0
  private var lineCount = 0
  private var malformed: (count: Int, firstLine: Int) = (0, 0)

  private struct TwoCounts {
    var pile = StackPile()
    var total = ExactCount.zero
  }

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
    guard let parts = unsafe FoldedLine(line), unsafe !isTooDeep(line), add(parts.count) else {
      malformed = (malformed.count + 1, malformed.count == 0 ? number : malformed.firstLine)
      return
    }
    lineCount += 1
    if parts.isRounded { roundedCount += 1 }
    let stack = unsafe UnsafeRawBufferPointer(rebasing: line[..<parts.stackLength])
    unsafe readBase(stack, new: parts.count)
    guard !parts.count.isZero else { return }
    unsafe split(stack)
    pile.add(frames, count: parts.count)
  }

  private func isTooDeep(_ line: UnsafeRawBufferPointer) -> Bool {
    guard line.count > StackPile.maximumDepth else { return false }
    return unsafe line.count { $0 == UInt8(ascii: ";") } >= StackPile.maximumDepth
  }

  /// Adds to the total; false where that gets too large.
  private mutating func add(_ count: ExactCount) -> Bool {
    let limit = ImportedProfile.weightLimit
    guard count.whole <= limit, count.whole <= limit - total.whole else { return false }
    total = total + count
    return true
  }

  /// Takes a line whose stack ends in another count.
  private mutating func readBase(_ stack: UnsafeRawBufferPointer, new: ExactCount) {
    guard twoCounts != nil else { return }
    guard let parts = unsafe FoldedLine(stack),
      let sum = twoCounts.map({ $0.total + parts.count }), sum.whole <= ImportedProfile.weightLimit
    else {
      twoCounts = nil
      basePile = StackPile()
      return
    }
    twoCounts?.total = sum
    unsafe split(UnsafeRawBufferPointer(rebasing: stack[..<parts.stackLength]))
    // The piles are of one order: a stack without weight on a side must not be there.
    if !parts.count.isZero { basePile.add(frames, count: parts.count) }
    if !new.isZero { twoCounts?.pile.add(frames, count: new) }
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
    let difference = twoCounts.flatMap { $0.pile.isEmpty && basePile.isEmpty ? nil : $0 }
    guard difference != nil || !pile.isEmpty else {
      throw .noStacks(file: file, line: malformed.count > 0 ? malformed.firstLine : nil, expected: Self.expected)
    }
    var warnings: [String] = []
    if malformed.count > 0 {
      let lines =
        malformed.count == 1 ? "1 line is no stack and was" : "\(malformed.count) lines are no stacks and were"
      warnings.append("\(lines) passed over, the first one is line \(malformed.firstLine); expected \(Self.expected)")
    }
    let frames = (0..<names.count).map { AnnotatedName.frame(names[$0]) }
    var sides = [(difference?.pile ?? pile).tree()]
    if difference != nil { sides.append(basePile.tree()) }
    let scale = CountScale(sides.flatMap { $0.values.lazy.map(\.count) }, total: [total, difference?.total ?? .zero])
    roundedCount += scale.roundedCount
    if roundedCount > 0 {
      warnings.append("\(roundedCount) count\(roundedCount == 1 ? " was" : "s were") rounded to \(scale.unit)")
    }
    let profiles = sides.map { side in
      Profile(
        frames: frames, threads: [ImportedProfile.noThread], stacks: side.tree,
        values: side.values.compactMap { value in
          let count = value.count.scaled(by: scale.factor) ?? 0
          return count == 0
            ? nil : Profile.Value(thread: 0, stack: value.stack, weight: Weight(count: count, nanoseconds: 0))
        })
    }
    if difference != nil {
      warnings.append("each line has two counts: the file is read as a difference, before and after")
    }
    var imported = ImportedProfile(
      unit: scale.unit, runs: [profiles[0]], warnings: warnings,
      counting: scale.factor == 1
        ? SampleCounting(ofFolded: profiles[0]) : .unknown(reason: "its counts have fractions"))
    imported.hasMostlyOtherLines = malformed.count > lineCount
    imported.base = difference == nil ? nil : profiles[1]
    return imported
  }
}

/// The power of ten that makes the counts of a file whole.
private struct CountScale {
  private static let units = [
    "samples", "tenths of samples", "hundredths of samples", "thousandths of samples", "ten thousandths of samples",
    "hundred thousandths of samples", "millionths of samples", "ten millionths of samples",
    "hundred millionths of samples", "billionths of samples",
  ]

  private(set) var factor: UInt64 = 1
  private(set) var unit = units[0]
  /// The counts that are finer.
  private(set) var roundedCount = 0

  /// - Parameter total: of each side, which must fit when it is scaled.
  init(_ counts: some Sequence<ExactCount>, total: [ExactCount]) {
    let fractions = counts.lazy.map(\.fraction).filter { $0 > 0 }
    guard fractions.contains(where: { _ in true }) else { return }
    for digits in 1..<Self.units.count {
      let next = factor * 10
      guard total.allSatisfy({ ($0.scaled(by: next) ?? .max) <= ImportedProfile.weightLimit }) else { break }
      (factor, unit) = (next, Self.units[digits])
      let grain = ExactCount.fractionScale / next
      roundedCount = fractions.count { UInt64($0) % grain != 0 }
      if roundedCount == 0 { break }
    }
    if factor == 1 { roundedCount = fractions.count { _ in true } }
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
    } else if name.hasSuffix("_[p]"), name.utf8.count > 4 {
      name = name.dropLast(4)
      origin = .interpreted(.python)
    } else if name.hasSuffix("]"), let language = Language.known.first(where: { name.hasSuffix("_[\($0.name)]") }),
      name.utf8.count > language.name.utf8.count + 3
    {
      name = name.dropLast(language.name.count + 3)
      origin = .interpreted(language)
    }
    if name.hasPrefix("[truncated") || name == "-" || name == "--" { origin = .marker }
    if name == "[unknown]" || name.hasPrefix("0x") || name.contains("+0x") && name.hasPrefix("[") {
      origin = .unresolved
    }
    return Frame(function: name.isEmpty ? "[no name]" : String(name), origin: origin, isInlined: isInlined)
  }
}
