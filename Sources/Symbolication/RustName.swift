/// Rust's own mangling, "v0" (RFC 2603, and the rustc book, "v0 symbol format").
///
/// Hashes of crates and disambiguators of paths are left out, as people write the names.
struct RustName {
  /// A name that is not one of Rust's, or too deep, or too much work: its back references can make a short name mean
  /// an exponentially long one.
  struct Failure: Error {}

  private(set) var input: RustNameInput
  private var output = ""
  private var depth = 0
  private var work = 0
  private var boundLifetimes: UInt64 = 0
  /// Above zero, text is read and not shown.
  private var silence = 0

  private static let maximumDepth = 200
  private static let maximumWork = 20_000

  private init(_ input: RustNameInput) { self.input = input }

  /// - Returns: nil for what is not such a name.
  static func demangle(_ name: String) -> String? {
    guard let input = RustNameInput(name) else { return nil }
    var reader = RustName(input)
    do throws(Failure) {
      try reader.path(isValue: true)
      // The crate that made this copy of a generic function.
      if reader.input.peek.map({ (0x41...0x5A).contains($0) }) == true {
        reader.silence += 1
        try reader.path(isValue: false)
      }
      return reader.input.isAtEnd && !reader.output.isEmpty ? reader.output : nil
    } catch {
      return nil
    }
  }

  private mutating func write(_ text: String) throws(Failure) {
    guard silence == 0 else { return }
    guard output.utf8.count + text.utf8.count <= Demangler.maximumLength else { throw Failure() }
    output += text
  }

  /// Runs one step of the grammar within the bounds.
  private mutating func nested(_ body: (inout RustName) throws(Failure) -> Void) throws(Failure) {
    depth += 1
    work += 1
    guard depth <= Self.maximumDepth, work <= Self.maximumWork else { throw Failure() }
    try body(&self)
    depth -= 1
  }

  /// Runs a step at an earlier place of the name. References that are not shown need not be followed.
  private mutating func backReference(_ body: (inout RustName) throws(Failure) -> Void) throws(Failure) {
    let target = try input.backReference()
    guard silence == 0 else { return }
    let position = input.position
    input.position = target
    try nested(body)
    input.position = position
  }

  private mutating func silently(_ body: (inout RustName) throws(Failure) -> Void) throws(Failure) {
    silence += 1
    try body(&self)
    silence -= 1
  }

  /// Runs a step for each element of a list that `E` ends.
  private mutating func list(
    separator: String, _ body: (inout RustName) throws(Failure) -> Void
  ) throws(Failure) -> Int {
    var count = 0
    while !input.take("E") {
      if count > 0 { try write(separator) }
      try body(&self)
      count += 1
    }
    return count
  }

  // MARK: - Paths

  /// - Parameter isValue: whether generic arguments need `::` before them.
  private mutating func path(isValue: Bool) throws(Failure) {
    if try openPath(isValue: isValue) { try write(">") }
  }

  /// - Returns: whether a list of generic arguments was left open, for bindings of a trait to follow.
  private mutating func openPath(isValue: Bool, leavesOpen: Bool = false) throws(Failure) -> Bool {
    var isOpen = false
    try nested { (reader) throws(Failure) in isOpen = try reader.pathBody(isValue: isValue) }
    if isOpen, !leavesOpen {
      try write(">")
      isOpen = false
    }
    return isOpen
  }

  private mutating func pathBody(isValue: Bool) throws(Failure) -> Bool {
    switch try input.next() {
    case UInt8(ascii: "C"):
      _ = try input.disambiguator()
      try write(try input.identifier())
    case UInt8(ascii: "N"):
      try nestedPath(isValue: isValue)
    case UInt8(ascii: "M"):
      try implementationPath()
      try write("<")
      try type()
      try write(">")
    case UInt8(ascii: "X"):
      try implementationPath()
      try traitPath()
    case UInt8(ascii: "Y"):
      try traitPath()
    case UInt8(ascii: "I"):
      try path(isValue: isValue)
      try write(isValue ? "::<" : "<")
      _ = try list(separator: ", ") { (reader) throws(Failure) in try reader.genericArgument() }
      return true
    case UInt8(ascii: "B"):
      var isOpen = false
      try backReference { (reader) throws(Failure) in isOpen = try reader.pathBody(isValue: isValue) }
      return isOpen
    default:
      throw Failure()
    }
    return false
  }

  private mutating func nestedPath(isValue: Bool) throws(Failure) {
    let namespace = try input.next()
    try path(isValue: isValue)
    let disambiguator = try input.disambiguator()
    let name = try input.identifier()
    switch namespace {
    case 0x61...0x7A:
      if !name.isEmpty { try write("::\(name)") }
    case 0x41...0x5A:
      let kind =
        switch namespace {
        case UInt8(ascii: "C"): "closure"
        case UInt8(ascii: "S"): "shim"
        default: String(Unicode.Scalar(namespace))
        }
      try write("::{\(kind)\(name.isEmpty ? "" : ":\(name)")#\(disambiguator)}")
    default:
      throw Failure()
    }
  }

  /// Where an implementation stands, which people do not write.
  private mutating func implementationPath() throws(Failure) {
    try silently { (reader) throws(Failure) in
      _ = try reader.input.disambiguator()
      try reader.path(isValue: false)
    }
  }

  private mutating func traitPath() throws(Failure) {
    try write("<")
    try type()
    try write(" as ")
    try path(isValue: false)
    try write(">")
  }

  private mutating func genericArgument() throws(Failure) {
    if input.take("L") {
      try lifetime(try input.base62())
    } else if input.take("K") {
      try constant()
    } else {
      try type()
    }
  }

  // MARK: - Types

  private static let basicTypes: [UInt8: String] = [
    0x61: "i8", 0x62: "bool", 0x63: "char", 0x64: "f64", 0x65: "str", 0x66: "f32", 0x68: "u8", 0x69: "isize",
    0x6A: "usize", 0x6C: "i32", 0x6D: "u32", 0x6E: "i128", 0x6F: "u128", 0x70: "_", 0x73: "i16", 0x74: "u16",
    0x75: "()", 0x76: "...", 0x78: "i64", 0x79: "u64", 0x7A: "!",
  ]

  private mutating func type() throws(Failure) {
    try nested { (reader) throws(Failure) in try reader.typeBody() }
  }

  private mutating func typeBody() throws(Failure) {
    let tag = try input.next()
    if let name = Self.basicTypes[tag] { return try write(name) }
    switch tag {
    case UInt8(ascii: "R"), UInt8(ascii: "Q"):
      try write("&")
      if input.take("L") {
        let index = try input.base62()
        if index > 0 {
          try lifetime(index)
          try write(" ")
        }
      }
      if tag == UInt8(ascii: "Q") { try write("mut ") }
      try type()
    case UInt8(ascii: "P"), UInt8(ascii: "O"):
      try write(tag == UInt8(ascii: "P") ? "*const " : "*mut ")
      try type()
    case UInt8(ascii: "A"), UInt8(ascii: "S"):
      try write("[")
      try type()
      if tag == UInt8(ascii: "A") {
        try write("; ")
        try constant()
      }
      try write("]")
    case UInt8(ascii: "T"):
      try write("(")
      let count = try list(separator: ", ") { (reader) throws(Failure) in try reader.type() }
      try write(count == 1 ? ",)" : ")")
    case UInt8(ascii: "F"):
      try binder { (reader) throws(Failure) in try reader.functionType() }
    case UInt8(ascii: "D"):
      try write("dyn ")
      try binder { (reader) throws(Failure) in
        _ = try reader.list(separator: " + ") { (reader) throws(Failure) in try reader.dynamicTrait() }
      }
      guard input.take("L") else { throw Failure() }
      let index = try input.base62()
      if index > 0 {
        try write(" + ")
        try lifetime(index)
      }
    case UInt8(ascii: "B"):
      try backReference { (reader) throws(Failure) in try reader.type() }
    default:
      input.position -= 1
      try path(isValue: false)
    }
  }

  private mutating func functionType() throws(Failure) {
    if input.take("U") { try write("unsafe ") }
    if input.take("K") {
      let convention = input.take("C") ? "C" : try input.identifier()
      try write("extern \"\(convention.split(separator: "_").joined(separator: "-"))\" ")
    }
    try write("fn(")
    _ = try list(separator: ", ") { (reader) throws(Failure) in try reader.type() }
    try write(")")
    if input.take("u") { return }
    try write(" -> ")
    try type()
  }

  private mutating func dynamicTrait() throws(Failure) {
    var isOpen = try openPath(isValue: false, leavesOpen: true)
    while input.take("p") {
      try write(isOpen ? ", " : "<")
      isOpen = true
      try write("\(try input.identifier()) = ")
      try type()
    }
    if isOpen { try write(">") }
  }

  private mutating func binder(_ body: (inout RustName) throws(Failure) -> Void) throws(Failure) {
    let count = input.take("G") ? try input.base62() &+ 1 : 0
    guard count <= 256 else { throw Failure() }
    if count > 0 {
      try write("for<")
      for number in 0..<count {
        boundLifetimes += 1
        if number > 0 { try write(", ") }
        try lifetime(1)
      }
      try write("> ")
    }
    try body(&self)
    boundLifetimes -= count
  }

  /// Lifetimes are numbered from the innermost binder out; 0 is one without a name.
  private mutating func lifetime(_ index: UInt64) throws(Failure) {
    guard silence == 0 else { return }
    guard index > 0 else { return try write("'_") }
    guard index <= boundLifetimes else { throw Failure() }
    let number = boundLifetimes - index
    try write(number < 26 ? "'\(Unicode.Scalar(0x61 + UInt8(number)))" : "'_\(number)")
  }

  // MARK: - Constants

  private mutating func constant() throws(Failure) {
    try nested { (reader) throws(Failure) in try reader.constantBody() }
  }

  private mutating func constantBody() throws(Failure) {
    switch try input.next() {
    case UInt8(ascii: "p"):
      try write("_")
    case UInt8(ascii: "B"):
      try backReference { (reader) throws(Failure) in try reader.constant() }
    case UInt8(ascii: "b"):
      switch try input.hexadecimal() {
      case "0": try write("false")
      case "1": try write("true")
      default: throw Failure()
      }
    case UInt8(ascii: "c"):
      guard let code = UInt32(try input.hexadecimal(), radix: 16), let scalar = Unicode.Scalar(code) else {
        throw Failure()
      }
      try write("'\(scalar.escaped(asASCII: false))'")
    case UInt8(ascii: "a"), UInt8(ascii: "s"), UInt8(ascii: "l"), UInt8(ascii: "x"), UInt8(ascii: "n"),
      UInt8(ascii: "i"), UInt8(ascii: "h"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "y"),
      UInt8(ascii: "o"), UInt8(ascii: "j"):
      if input.take("n") { try write("-") }
      let digits = try input.hexadecimal()
      try write(UInt64(digits, radix: 16).map { String($0) } ?? "0x\(digits)")
    default:
      // Structures, strings and references as constants are not in the stable language.
      throw Failure()
    }
  }
}
