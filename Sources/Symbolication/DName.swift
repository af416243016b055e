/// The mangling of D (the D specification, "Application Binary Interface", section "Name Mangling").
///
/// Return types are left out, as in what binutils writes.
struct DName {
  /// A name that is not one of D's, or too deep, or too much work: back references can make a short name mean an
  /// exponentially long one.
  struct Failure: Error {}

  private let bytes: [UInt8]
  private var position: Int
  private var output: [UInt8] = []
  private var depth = 0
  private var work = 0
  /// Where the innermost reference to a type stands that is followed; it may only lead on to earlier ones.
  private var lastReference: Int

  private static let maximumDepth = 200
  private static let maximumWork = 20_000

  private init(_ bytes: [UInt8]) {
    self.bytes = bytes
    position = 0
    lastReference = bytes.count
  }

  /// - Returns: nil for what is not such a name.
  static func demangle(_ name: String) -> String? {
    guard name.hasPrefix("_D") else { return nil }
    if name == "_Dmain" { return "D main" }
    var reader = DName(Array(name.utf8))
    do throws(Failure) {
      try reader.mangledName()
      return reader.position == reader.bytes.count && !reader.output.isEmpty
        ? String(decoding: reader.output, as: UTF8.self) : nil
    } catch {
      return nil
    }
  }

  // MARK: - Input and output

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func byte(_ distance: Int) -> UInt8? {
    position + distance < bytes.count ? bytes[position + distance] : nil
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private func startsWith(_ text: StaticString, at start: Int? = nil) -> Bool {
    let start = start ?? position
    guard text.utf8CodeUnitCount <= bytes.count - start else { return false }
    return text.withUTF8Buffer { unsafe bytes[start..<start + $0.count].elementsEqual($0) }
  }

  private mutating func write(_ text: StaticString) throws(Failure) {
    try write(text.withUTF8Buffer { unsafe Array($0)[...] })
  }

  private mutating func write(_ text: ArraySlice<UInt8>) throws(Failure) {
    guard output.count + text.count <= Demangler.maximumLength else { throw Failure() }
    output += text
  }

  /// Runs one step of the grammar within the bounds.
  private mutating func nested(_ body: (inout DName) throws(Failure) -> Void) throws(Failure) {
    depth += 1
    work += 1
    guard depth <= Self.maximumDepth, work <= Self.maximumWork else { throw Failure() }
    try body(&self)
    depth -= 1
  }

  /// What a step writes, kept apart.
  private mutating func written(_ body: (inout DName) throws(Failure) -> Void) throws(Failure) -> ArraySlice<UInt8> {
    let start = output.count
    try body(&self)
    let text = Array(output[start...])
    output.removeLast(output.count - start)
    return text[...]
  }

  /// Tries a step; undoes what it did where it fails.
  private mutating func attempt(_ body: (inout DName) throws(Failure) -> Void) -> Bool {
    let before = (position, output, depth, lastReference)
    do throws(Failure) {
      try body(&self)
      return true
    } catch {
      (position, output, depth, lastReference) = before
      return false
    }
  }

  private static func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }

  private mutating func number() throws(Failure) -> Int {
    guard Self.isDigit(peek) else { throw Failure() }
    var value = 0
    while let digit = peek, Self.isDigit(digit) {
      value = value * 10 + Int(digit - 0x30)
      guard value < 1 << 32 else { throw Failure() }
      position += 1
    }
    return value
  }

  /// The place that a reference means: so many characters before its `Q`, in digits of 26, the last in lower case.
  private mutating func reference() throws(Failure) -> Int {
    let start = position
    guard take("Q") else { throw Failure() }
    var value = 0
    while let letter = peek {
      position += 1
      guard value < 1 << 32 else { throw Failure() }
      switch letter {
      case 0x41...0x5A: value = value * 26 + Int(letter - 0x41)
      case 0x61...0x7A:
        value = value * 26 + Int(letter - 0x61)
        guard value > 0, value <= start else { throw Failure() }
        return start - value
      default: throw Failure()
      }
    }
    throw Failure()
  }

  // MARK: - Names

  private mutating func mangledName() throws(Failure) {
    guard startsWith("_D") else { throw Failure() }
    position += 2
    try qualifiedName(showsModifiers: true)
    // Names that the compiler makes up end so; others have a type.
    if take("Z") { return }
    _ = try written { (reader) throws(Failure) in try reader.type() }
  }

  private mutating func qualifiedName(showsModifiers: Bool) throws(Failure) {
    try nested { (reader) throws(Failure) in try reader.qualifiedNameBody(showsModifiers: showsModifiers) }
  }

  private mutating func qualifiedNameBody(showsModifiers: Bool) throws(Failure) {
    var count = 0
    repeat {
      work += 1
      guard work <= Self.maximumWork else { throw Failure() }
      // Scopes without a name.
      if peek == UInt8(ascii: "0") {
        while take("0") {}
        continue
      }
      if count > 0 { try write(".") }
      count += 1
      try identifier()
      // The arguments of a function that something is declared in. At the end it is the type of the whole instead.
      if peek == UInt8(ascii: "M") || isCallConvention(peek) {
        _ = attempt { (reader) throws(Failure) in
          var modifiers: ArraySlice<UInt8> = []
          if reader.take("M") {
            modifiers = try reader.written { (reader) throws(Failure) in try reader.typeModifiers() }
          }
          _ = try reader.written { (reader) throws(Failure) in
            try reader.callConvention()
            try reader.attributes()
          }
          try reader.argumentList()
          if showsModifiers { try reader.write(modifiers) }
          guard reader.peek != nil else { throw Failure() }
        }
      }
    } while isSymbolName(position)
  }

  private func isCallConvention(_ byte: UInt8?) -> Bool {
    byte.map { [0x46, 0x55, 0x56, 0x57, 0x52, 0x59].contains($0) } ?? false
  }

  private func isTemplate(at start: Int) -> Bool { startsWith("__T", at: start) || startsWith("__U", at: start) }

  private func isSymbolName(_ start: Int) -> Bool {
    guard start < bytes.count else { return false }
    if Self.isDigit(bytes[start]) || isTemplate(at: start) { return true }
    guard bytes[start] == UInt8(ascii: "Q") else { return false }
    var reader = self
    reader.position = start
    guard let target = try? reader.reference() else { return false }
    return Self.isDigit(bytes[target])
  }

  private mutating func identifier() throws(Failure) {
    try nested { (reader) throws(Failure) in try reader.identifierBody() }
  }

  private mutating func identifierBody() throws(Failure) {
    if peek == UInt8(ascii: "Q") {
      // To an identifier, which is not a template.
      let target = try reference()
      let next = position
      position = target
      let length = try number()
      guard length <= bytes.count - position else { throw Failure() }
      try plainName(length)
      position = next
      return
    }
    if isTemplate(at: position) { return try template(length: nil) }
    let length = try number()
    guard length > 0, length <= bytes.count - position else { throw Failure() }
    if length >= 5, isTemplate(at: position) { return try template(length: length) }
    // What tells apart several things of one name in one function is no part of the name.
    if length >= 4, startsWith("__S"), bytes[(position + 3)..<(position + length)].allSatisfy({ Self.isDigit($0) }) {
      position += length
      return try identifier()
    }
    try plainName(length)
  }

  private static let artificial: [(name: StaticString, prefix: StaticString)] = [
    ("__initZ", "initializer for "), ("__vtblZ", "vtable for "), ("__ClassZ", "ClassInfo for "),
    ("__InterfaceZ", "Interface for "), ("__ModuleInfoZ", "ModuleInfo for "),
  ]

  private mutating func plainName(_ length: Int) throws(Failure) {
    if length == 6, startsWith("__ctor") {
      try write("this")
    } else if length == 6, startsWith("__dtor") {
      try write("~this")
    } else if length == 10, startsWith("__postblitMFZ") {
      try write("this(this)")
      position += 3
    } else if let (_, prefix) = Self.artificial.first(where: {
      $0.name.utf8CodeUnitCount == length + 1 && startsWith($0.name)
    }) {
      let name = output.last == UInt8(ascii: ".") ? output.dropLast() : output[...]
      output = []
      try write(prefix)
      try write(name)
    } else {
      try write(bytes[position..<position + length])
    }
    position += length
  }

  // MARK: - Templates

  private mutating func template(length: Int?) throws(Failure) {
    let start = position
    guard isSymbolName(position + 3), byte(3) != UInt8(ascii: "0") else { throw Failure() }
    position += 3
    try identifier()
    try write("!(")
    try nested { (reader) throws(Failure) in try reader.templateArguments() }
    try write(")")
    guard length == nil || position - start == length else { throw Failure() }
  }

  private mutating func templateArguments() throws(Failure) {
    var count = 0
    while !take("Z") {
      if count > 0 { try write(", ") }
      count += 1
      // An argument that the template is specialized for.
      _ = take("H")
      if take("S") {
        try symbolArgument()
      } else if take("T") {
        try type()
      } else if take("V") {
        var kind = peek
        if kind == UInt8(ascii: "Q") {
          let start = position
          kind = bytes[try reference()]
          position = start
        }
        let name = try written { (reader) throws(Failure) in try reader.type() }
        try value(of: kind ?? 0, typeName: name)
      } else if take("X") {
        let length = try number()
        guard length <= bytes.count - position else { throw Failure() }
        try write(bytes[position..<position + length])
        position += length
      } else {
        throw Failure()
      }
    }
  }

  private mutating func symbolArgument() throws(Failure) {
    if startsWith("_D"), isSymbolName(position + 2) {
      return try nested { (reader) throws(Failure) in try reader.mangledName() }
    }
    if peek == UInt8(ascii: "Q") { return try qualifiedName(showsModifiers: false) }
    // Older compilers put the length of the symbol before it, which may start with a digit itself.
    let length = try number()
    guard length > 0 else { throw Failure() }
    let digitsEnd = position
    var start = digitsEnd
    var size = length
    while size > 0 {
      if symbol(at: start, size: size) { return }
      size /= 10
      start -= 1
    }
    guard symbol(at: start, size: nil) else { throw Failure() }
  }

  private mutating func symbol(at start: Int, size: Int?) -> Bool {
    attempt { (reader) throws(Failure) in
      reader.position = start
      if reader.isSymbolName(start) {
        try reader.qualifiedName(showsModifiers: false)
      } else if reader.startsWith("_D"), reader.isSymbolName(start + 2) {
        try reader.nested { (reader) throws(Failure) in try reader.mangledName() }
      }
      guard size == nil || reader.position - start == size else { throw Failure() }
    }
  }

  // MARK: - Types

  private mutating func type() throws(Failure) {
    try nested { (reader) throws(Failure) in try reader.typeBody() }
  }

  private static let basicTypes: [UInt8: StaticString] = [
    0x6E: "typeof(null)", 0x76: "void", 0x67: "byte", 0x68: "ubyte", 0x73: "short", 0x74: "ushort", 0x69: "int",
    0x6B: "uint", 0x6C: "long", 0x6D: "ulong", 0x66: "float", 0x64: "double", 0x65: "real", 0x6F: "ifloat",
    0x70: "idouble", 0x6A: "ireal", 0x71: "cfloat", 0x72: "cdouble", 0x63: "creal", 0x62: "bool", 0x61: "char",
    0x75: "wchar", 0x77: "dchar",
  ]

  private mutating func wrapped(_ name: StaticString) throws(Failure) {
    try write(name)
    try write("(")
    try type()
    try write(")")
  }

  private mutating func typeBody() throws(Failure) {
    guard let tag = peek else { throw Failure() }
    position += 1
    if let name = Self.basicTypes[tag] { return try write(name) }
    switch tag {
    case UInt8(ascii: "O"): try wrapped("shared")
    case UInt8(ascii: "x"): try wrapped("const")
    case UInt8(ascii: "y"): try wrapped("immutable")
    case UInt8(ascii: "N"):
      if take("g") { return try wrapped("inout") }
      if take("h") { return try wrapped("__vector") }
      guard take("n") else { throw Failure() }
      try write("typeof(*null)")
    case UInt8(ascii: "A"):
      try type()
      try write("[]")
    case UInt8(ascii: "G"):
      let start = position
      _ = try number()
      let digits = bytes[start..<position]
      try type()
      try write("[")
      try write(digits)
      try write("]")
    case UInt8(ascii: "H"):
      let key = try written { (reader) throws(Failure) in try reader.type() }
      try type()
      try write("[")
      try write(key)
      try write("]")
    case UInt8(ascii: "P") where !isCallConvention(peek):
      try type()
      try write("*")
    case UInt8(ascii: "P"):
      try functionType()
      try write("function")
    case _ where isCallConvention(tag):
      position -= 1
      try functionType()
      try write("function")
    case UInt8(ascii: "C"), UInt8(ascii: "S"), UInt8(ascii: "E"), UInt8(ascii: "T"):
      try qualifiedName(showsModifiers: false)
    case UInt8(ascii: "D"):
      let modifiers = try written { (reader) throws(Failure) in try reader.typeModifiers() }
      if peek == UInt8(ascii: "Q") {
        try typeReference { (reader) throws(Failure) in try reader.functionType() }
      } else {
        try functionType()
      }
      try write("delegate")
      try write(modifiers)
    case UInt8(ascii: "B"):
      try write("Tuple!(")
      try list { (reader) throws(Failure) in try reader.type() }
      try write(")")
    case UInt8(ascii: "z"):
      guard let name: StaticString = take("i") ? "cent" : take("k") ? "ucent" : nil else { throw Failure() }
      try write(name)
    case UInt8(ascii: "Q"):
      position -= 1
      try typeReference { (reader) throws(Failure) in try reader.type() }
    default: throw Failure()
    }
  }

  /// A number, and so many elements.
  private mutating func list(_ element: (inout DName) throws(Failure) -> Void) throws(Failure) {
    for index in 0..<(try number()) {
      if index > 0 { try write(", ") }
      try element(&self)
    }
  }

  private mutating func typeReference(_ body: (inout DName) throws(Failure) -> Void) throws(Failure) {
    let start = position
    guard start < lastReference else { throw Failure() }
    let before = lastReference
    lastReference = start
    let target = try reference()
    let next = position
    position = target
    try nested(body)
    position = next
    lastReference = before
  }

  private mutating func typeModifiers() throws(Failure) {
    while true {
      if take("x") { return try write(" const") }
      if take("y") { return try write(" immutable") }
      if take("O") {
        try write(" shared")
      } else if take("N") {
        guard take("g") else { throw Failure() }
        try write(" inout")
      } else {
        return
      }
    }
  }

  // MARK: - Functions

  private mutating func functionType() throws(Failure) {
    try nested { (reader) throws(Failure) in
      try reader.callConvention()
      let attributes = try reader.written { (reader) throws(Failure) in try reader.attributes() }
      let arguments = try reader.written { (reader) throws(Failure) in try reader.argumentList() }
      try reader.type()
      try reader.write(arguments)
      try reader.write(" ")
      try reader.write(attributes)
    }
  }

  private mutating func callConvention() throws(Failure) {
    let conventions: [(Unicode.Scalar, StaticString)] = [
      ("F", ""), ("U", "extern(C) "), ("W", "extern(Windows) "), ("V", "extern(Pascal) "), ("R", "extern(C++) "),
      ("Y", "extern(Objective-C) "),
    ]
    for (tag, text) in conventions where take(tag) { return try write(text) }
    throw Failure()
  }

  private mutating func attributes() throws(Failure) {
    while peek == UInt8(ascii: "N") {
      guard let tag = byte(1) else { throw Failure() }
      switch tag {
      case UInt8(ascii: "a"): try write("pure ")
      case UInt8(ascii: "b"): try write("nothrow ")
      case UInt8(ascii: "c"): try write("ref ")
      case UInt8(ascii: "d"): try write("@property ")
      case UInt8(ascii: "e"): try write("@trusted ")
      case UInt8(ascii: "f"): try write("@safe ")
      case UInt8(ascii: "i"): try write("@nogc ")
      case UInt8(ascii: "j"): try write("return ")
      case UInt8(ascii: "l"): try write("scope ")
      case UInt8(ascii: "m"): try write("@live ")
      // These belong to the first argument.
      case UInt8(ascii: "g"), UInt8(ascii: "h"), UInt8(ascii: "k"), UInt8(ascii: "n"): return
      default: throw Failure()
      }
      position += 2
    }
  }

  private mutating func argumentList() throws(Failure) {
    try write("(")
    var count = 0
    while !take("Z") {
      if take("X") {
        try write("...")
        break
      }
      if take("Y") {
        try write(count > 0 ? ", ..." : "...")
        break
      }
      if count > 0 { try write(", ") }
      count += 1
      if take("M") { try write("scope ") }
      if startsWith("Nk") {
        position += 2
        try write("return ")
      }
      if take("I") {
        try write("in ")
        if take("K") { try write("ref ") }
      } else if take("J") {
        try write("out ")
      } else if take("K") {
        try write("ref ")
      } else if take("L") {
        try write("lazy ")
      }
      try type()
    }
    try write(")")
  }

  // MARK: - Values

  private mutating func value(of type: UInt8, typeName: ArraySlice<UInt8> = []) throws(Failure) {
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
