import Glibc

/// A line of folded stacks, taken apart: `frame;frame;frame count`.
struct FoldedLine {
  /// The bytes up to the blank before the count.
  let stackLength: Int
  let count: ExactCount
  /// Whether the count has a finer fraction than we keep.
  let isRounded: Bool

  /// Nil where the line does not end in a blank, or a tab, and a number.
  init?(_ line: UnsafeRawBufferPointer) {
    let end = unsafe Self.trimmedLength(line, line.count)
    guard let blank = unsafe line[..<end].lastIndex(where: { $0 == 0x20 || $0 == 0x09 }) else { return nil }
    let stack = unsafe Self.trimmedLength(line, blank)
    guard stack > 0,
      let number = unsafe Self.number(UnsafeRawBufferPointer(rebasing: line[(blank + 1)..<end]))
    else { return nil }
    stackLength = stack
    (count, isRounded) = number
  }

  /// The length without blanks at the end.
  private static func trimmedLength(_ line: UnsafeRawBufferPointer, _ length: Int) -> Int {
    var end = length
    while end > 0, unsafe line[end - 1] == 0x20 || line[end - 1] == 0x09 { end -= 1 }
    return end
  }

  /// Digits with or without a fraction; nil for anything else.
  static func number(_ text: UnsafeRawBufferPointer) -> (count: ExactCount, isRounded: Bool)? {
    var whole: UInt64 = 0
    var position = 0
    while position < text.count, let digit = unsafe digit(text[position]) {
      let (product, isTooLarge) = whole.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = product.addingReportingOverflow(digit)
      if isTooLarge || overflow { return nil }
      whole = sum
      position += 1
    }
    if position == text.count { return position > 0 ? (ExactCount(whole: whole), false) : nil }
    guard unsafe text[position] == UInt8(ascii: "."), text.count > 1 else { return nil }
    var fraction: UInt64 = 0
    var digits = 0
    var isRounded = false
    var isUp = false
    for index in (position + 1)..<text.count {
      guard let digit = unsafe digit(text[index]) else { return nil }
      if digits < ExactCount.fractionDigits {
        fraction = fraction * 10 + digit
      } else {
        if digits == ExactCount.fractionDigits { isUp = digit >= 5 }
        if digit > 0 { isRounded = true }
      }
      digits += 1
    }
    for _ in min(digits, ExactCount.fractionDigits)..<ExactCount.fractionDigits { fraction *= 10 }
    if isUp { fraction += 1 }
    if fraction == ExactCount.fractionScale {
      guard whole < .max else { return nil }
      (whole, fraction) = (whole + 1, 0)
    }
    return (ExactCount(whole: whole, fraction: UInt32(fraction)), isRounded)
  }

  private static func digit(_ byte: UInt8) -> UInt64? {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? UInt64(byte - UInt8(ascii: "0")) : nil
  }
}
