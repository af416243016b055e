/// The mangling of D (the D specification, "Application Binary Interface", section "Name Mangling").
///
/// Return types are left out, as in what binutils writes.
struct DName {
  /// A name that is not one of D's, or too deep, or too much work: back references can make a short name mean an
  /// exponentially long one.
  struct Failure: Error {}

  let bytes: [UInt8]
  var position: Int
  private var output: [UInt8] = []
  private var depth = 0
  private var work = 0
  /// Where the innermost reference to a type stands that is followed; it may only lead on to earlier ones.
  var lastReference: Int

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

  var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  func byte(_ distance: Int) -> UInt8? {
    position + distance < bytes.count ? bytes[position + distance] : nil
  }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  func startsWith(_ text: StaticString, at start: Int? = nil) -> Bool {
    let start = start ?? position
    guard text.utf8CodeUnitCount <= bytes.count - start else { return false }
    return text.withUTF8Buffer { unsafe bytes[start..<start + $0.count].elementsEqual($0) }
  }

  mutating func write(_ text: StaticString) throws(Failure) {
    try write(text.withUTF8Buffer { unsafe Array($0)[...] })
  }

  mutating func write(_ text: ArraySlice<UInt8>) throws(Failure) {
    guard output.count + text.count <= Demangler.maximumLength else { throw Failure() }
    output += text
  }

  /// Runs one step of the grammar within the bounds.
  mutating func nested(_ body: (inout DName) throws(Failure) -> Void) throws(Failure) {
    depth += 1
    work += 1
    guard depth <= Self.maximumDepth, work <= Self.maximumWork else { throw Failure() }
    try body(&self)
    depth -= 1
  }

  /// What a step writes, kept apart.
  mutating func written(_ body: (inout DName) throws(Failure) -> Void) throws(Failure) -> ArraySlice<UInt8> {
    let start = output.count
    try body(&self)
    let text = Array(output[start...])
    output.removeLast(output.count - start)
    return text[...]
  }

  /// Tries a step; undoes what it did where it fails.
  mutating func attempt(_ body: (inout DName) throws(Failure) -> Void) -> Bool {
    let before = (position, output, depth, lastReference)
    do throws(Failure) {
      try body(&self)
      return true
    } catch {
      (position, output, depth, lastReference) = before
      return false
    }
  }

  static func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }

  mutating func number() throws(Failure) -> Int {
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
  mutating func reference() throws(Failure) -> Int {
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

  mutating func mangledName() throws(Failure) {
    guard startsWith("_D") else { throw Failure() }
    position += 2
    try qualifiedName(showsModifiers: true)
    // Names that the compiler makes up end so; others have a type.
    if take("Z") { return }
    _ = try written { (reader) throws(Failure) in try reader.type() }
  }

  mutating func qualifiedName(showsModifiers: Bool) throws(Failure) {
    try nested { (reader) throws(Failure) in try reader.qualifiedNameBody(showsModifiers: showsModifiers) }
  }

  mutating func qualifiedNameBody(showsModifiers: Bool) throws(Failure) {
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

  func isCallConvention(_ byte: UInt8?) -> Bool {
    byte.map { [0x46, 0x55, 0x56, 0x57, 0x52, 0x59].contains($0) } ?? false
  }

  func isTemplate(at start: Int) -> Bool { startsWith("__T", at: start) || startsWith("__U", at: start) }

  func isSymbolName(_ start: Int) -> Bool {
    guard start < bytes.count else { return false }
    if Self.isDigit(bytes[start]) || isTemplate(at: start) { return true }
    guard bytes[start] == UInt8(ascii: "Q") else { return false }
    var reader = self
    reader.position = start
    guard let target = try? reader.reference() else { return false }
    return Self.isDigit(bytes[target])
  }

  mutating func identifier() throws(Failure) {
    try nested { (reader) throws(Failure) in try reader.identifierBody() }
  }

  mutating func identifierBody() throws(Failure) {
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

  mutating func plainName(_ length: Int) throws(Failure) {
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

  mutating func template(length: Int?) throws(Failure) {
    let start = position
    guard isSymbolName(position + 3), byte(3) != UInt8(ascii: "0") else { throw Failure() }
    position += 3
    try identifier()
    try write("!(")
    try nested { (reader) throws(Failure) in try reader.templateArguments() }
    try write(")")
    guard length == nil || position - start == length else { throw Failure() }
  }

  mutating func templateArguments() throws(Failure) {
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

  mutating func symbolArgument() throws(Failure) {
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

  mutating func symbol(at start: Int, size: Int?) -> Bool {
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
}
