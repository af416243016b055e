/// The characters of a Rust name and its numbers and identifiers.
struct RustNameInput {
  private let bytes: [UInt8]
  var position = 0

  /// Takes off the prefix and what LLVM appends (`.llvm.1234`); nil for what is not a name of Rust's.
  init?(_ name: String) {
    guard name.hasPrefix("_R") else { return nil }
    let body = name.utf8.dropFirst(2).prefix { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "$") }
    // A digit would be the version of a later encoding. Names are ASCII.
    guard let first = body.first, (0x41...0x5A).contains(first), body.allSatisfy({ $0 < 0x80 }) else { return nil }
    bytes = Array(body)
  }

  var isAtEnd: Bool { position == bytes.count }
  var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func next() throws(RustName.Failure) -> UInt8 {
    guard let byte = peek else { throw RustName.Failure() }
    position += 1
    return byte
  }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard let byte = peek, byte == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  /// `_` is 0, `0_` is 1, `10_` is 63.
  mutating func base62() throws(RustName.Failure) -> UInt64 {
    if take("_") { return 0 }
    var value: UInt64 = 0
    while !take("_") {
      let byte = try next()
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x61...0x7A: digit = byte - 0x61 + 10
      case 0x41...0x5A: digit = byte - 0x41 + 36
      default: throw RustName.Failure()
      }
      let (product, overflow) = value.multipliedReportingOverflow(by: 62)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
      guard !overflow, !carry, sum < .max - 1 else { throw RustName.Failure() }
      value = sum
    }
    return value + 1
  }

  /// 0 for none.
  mutating func disambiguator() throws(RustName.Failure) -> UInt64 {
    take("s") ? try base62() + 1 : 0
  }

  /// The place that the reference just read (its `B`) means, which must be an earlier one.
  mutating func backReference() throws(RustName.Failure) -> Int {
    let start = position - 1
    let target = try base62()
    guard target < UInt64(start) else { throw RustName.Failure() }
    return Int(target)
  }

  /// A length, an underscore where the text starts with a digit or one, and the text.
  mutating func identifier() throws(RustName.Failure) -> String {
    let isPunycode = take("u")
    guard let first = peek, (0x30...0x39).contains(first) else { throw RustName.Failure() }
    var length = 0
    if first == 0x30 {
      position += 1
    } else {
      while let digit = peek, (0x30...0x39).contains(digit) {
        length = length * 10 + Int(digit - 0x30)
        guard length <= bytes.count else { throw RustName.Failure() }
        position += 1
      }
    }
    _ = take("_")
    guard length <= bytes.count - position else { throw RustName.Failure() }
    let text = bytes[position..<position + length]
    position += length
    guard isPunycode else { return String(decoding: text, as: UTF8.self) }
    guard let decoded = Punycode.decode(text) else { throw RustName.Failure() }
    return decoded
  }

  /// Lower-case hexadecimal digits up to an underscore, without leading zeros.
  mutating func hexadecimal() throws(RustName.Failure) -> String {
    var digits = ""
    while !take("_") {
      let byte = try next()
      guard (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) else { throw RustName.Failure() }
      if !digits.isEmpty || byte != 0x30 { digits.unicodeScalars.append(Unicode.Scalar(byte)) }
    }
    return digits.isEmpty ? "0" : digits
  }
}

/// Unicode text in ASCII (RFC 3492), with `_` for `-` as the delimiter.
enum Punycode {
  private static let maximumScalars = 256

  static func decode(_ text: ArraySlice<UInt8>) -> String? {
    let delimiter = text.lastIndex(of: UInt8(ascii: "_"))
    var scalars = (delimiter.map { text[..<$0] } ?? []).map { Unicode.Scalar($0) }
    let rest = delimiter.map { text[($0 + 1)...] } ?? text
    guard !rest.isEmpty, text.count <= maximumScalars else { return nil }

    var code = 0x80
    var index = 0
    var bias = 72
    var digits = rest.makeIterator()
    var digit = digits.next()
    var isFirst = true
    while digit != nil {
      var delta = 0
      var weight = 1
      var step = 36
      while true {
        guard let byte = digit, let value = self.digit(byte), delta < 1 << 32, weight < 1 << 24 else { return nil }
        delta += value * weight
        digit = digits.next()
        let threshold = min(max(step - bias, 1), 26)
        if value < threshold { break }
        weight *= 36 - threshold
        step += 36
      }
      index += delta
      let count = scalars.count + 1
      bias = adapt(delta, count: count, isFirst: isFirst)
      isFirst = false
      code += index / count
      index %= count
      guard let value = UInt32(exactly: code), let scalar = Unicode.Scalar(value) else { return nil }
      scalars.insert(scalar, at: index)
      index += 1
    }
    return String(String.UnicodeScalarView(scalars))
  }

  private static func adapt(_ delta: Int, count: Int, isFirst: Bool) -> Int {
    var delta = isFirst ? delta / 700 : delta / 2
    delta += delta / count
    var bias = 0
    while delta > 455 {
      delta /= 35
      bias += 36
    }
    return bias + 36 * delta / (delta + 38)
  }

  private static func digit(_ byte: UInt8) -> Int? {
    switch byte {
    case 0x61...0x7A: Int(byte - 0x61)
    case 0x30...0x39: Int(byte - 0x30) + 26
    default: nil
    }
  }
}
