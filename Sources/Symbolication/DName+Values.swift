/// Values that are arguments of templates.
extension DName {
  mutating func value(of type: UInt8, typeName: ArraySlice<UInt8> = []) throws(Failure) {
    try nested { (reader) throws(Failure) in try reader.valueBody(of: type, typeName: typeName) }
  }

  private mutating func valueBody(of type: UInt8, typeName: ArraySlice<UInt8>) throws(Failure) {
    guard let tag = peek else { throw Failure() }
    if Self.isDigit(tag) { return try integer(of: type) }
    position += 1
    switch tag {
    case UInt8(ascii: "n"): try write("null")
    case UInt8(ascii: "N"):
      try write("-")
      try integer(of: type)
    case UInt8(ascii: "i"): try integer(of: type)
    case UInt8(ascii: "e"): try real()
    case UInt8(ascii: "c"):
      try real()
      try write("+")
      guard take("c") else { throw Failure() }
      try real()
      try write("i")
    case UInt8(ascii: "a"), UInt8(ascii: "w"), UInt8(ascii: "d"): try string(of: tag)
    case UInt8(ascii: "A"):
      try write("[")
      try list { (reader) throws(Failure) in
        try reader.value(of: 0)
        if type == UInt8(ascii: "H") {
          try reader.write(":")
          try reader.value(of: 0)
        }
      }
      try write("]")
    case UInt8(ascii: "S"):
      try write(typeName)
      try write("(")
      try list { (reader) throws(Failure) in try reader.value(of: 0) }
      try write(")")
    case UInt8(ascii: "f"):
      guard startsWith("_D"), isSymbolName(position + 2) else { throw Failure() }
      try nested { (reader) throws(Failure) in try reader.mangledName() }
    default: throw Failure()
    }
  }

  private mutating func integer(of type: UInt8) throws(Failure) {
    let start = position
    switch type {
    case UInt8(ascii: "a"), UInt8(ascii: "u"), UInt8(ascii: "w"):
      let number = try number()
      try write("'")
      if type == UInt8(ascii: "a"), (0x20..<0x7F).contains(number) {
        try write([UInt8(number)])
      } else {
        let (prefix, width): (StaticString, Int) =
          type == UInt8(ascii: "a") ? ("\\x", 2) : type == UInt8(ascii: "u") ? ("\\u", 4) : ("\\U", 8)
        try write(prefix)
        let digits = number == 0 ? "" : String(number, radix: 16)
        try write([UInt8](repeating: 0x30, count: max(0, width - digits.utf8.count))[...])
        try write(Array(digits.utf8)[...])
      }
      try write("'")
    case UInt8(ascii: "b"): try write(try number() == 0 ? "false" : "true")
    default:
      while Self.isDigit(peek) { position += 1 }
      guard position > start else { throw Failure() }
      try write(bytes[start..<position])
      switch type {
      case UInt8(ascii: "h"), UInt8(ascii: "t"), UInt8(ascii: "k"): try write("u")
      case UInt8(ascii: "l"): try write("L")
      case UInt8(ascii: "m"): try write("uL")
      default: break
      }
    }
  }

  private static func isHexadecimal(_ byte: UInt8?) -> Bool {
    byte.map { (0x30...0x39).contains($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0) } ?? false
  }

  private mutating func real() throws(Failure) {
    for (mangled, text): (StaticString, StaticString) in [("NAN", "NaN"), ("INF", "Inf"), ("NINF", "-Inf")]
    where startsWith(mangled) {
      position += mangled.utf8CodeUnitCount
      return try write(text)
    }
    if take("N") { try write("-") }
    guard Self.isHexadecimal(peek) else { throw Failure() }
    try write("0x")
    try write(bytes[position...position])
    try write(".")
    position += 1
    try digits(Self.isHexadecimal)
    guard take("P") else { throw Failure() }
    try write("p")
    if take("N") { try write("-") }
    try digits(Self.isDigit)
  }

  private mutating func digits(_ isDigit: (UInt8?) -> Bool) throws(Failure) {
    let start = position
    while isDigit(peek) { position += 1 }
    try write(bytes[start..<position])
  }

  private mutating func string(of kind: UInt8) throws(Failure) {
    let escapes: [UInt8: StaticString] = [0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r", 0x0C: "\\f", 0x0B: "\\v"]
    let length = try number()
    guard take("_"), length <= (bytes.count - position) / 2 else { throw Failure() }
    try write("\"")
    for _ in 0..<length {
      let digits = bytes[position..<position + 2]
      guard let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16), digits.allSatisfy(Self.isHexadecimal)
      else { throw Failure() }
      if let escape = escapes[value] {
        try write(escape)
      } else if (0x20..<0x7F).contains(value) {
        try write([value])
      } else {
        try write("\\x")
        try write(digits)
      }
      position += 2
    }
    try write("\"")
    if kind != UInt8(ascii: "a") { try write([kind]) }
  }
}
