/// Types, and how functions are called.
extension DName {
  mutating func type() throws(Failure) {
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
    case UInt8(ascii: "A"), UInt8(ascii: "G"), UInt8(ascii: "H"): try array(tag)
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
    case UInt8(ascii: "D"): try delegate()
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

  /// An array: dynamic, of a length, or associative.
  private mutating func array(_ tag: UInt8) throws(Failure) {
    switch tag {
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
    default:
      let key = try written { (reader) throws(Failure) in try reader.type() }
      try type()
      try write("[")
      try write(key)
      try write("]")
    }
  }

  private mutating func delegate() throws(Failure) {
    let modifiers = try written { (reader) throws(Failure) in try reader.typeModifiers() }
    if peek == UInt8(ascii: "Q") {
      try typeReference { (reader) throws(Failure) in try reader.functionType() }
    } else {
      try functionType()
    }
    try write("delegate")
    try write(modifiers)
  }

  /// A number, and so many elements.
  mutating func list(_ element: (inout DName) throws(Failure) -> Void) throws(Failure) {
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

  mutating func typeModifiers() throws(Failure) {
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

  mutating func callConvention() throws(Failure) {
    let conventions: [(Unicode.Scalar, StaticString)] = [
      ("F", ""), ("U", "extern(C) "), ("W", "extern(Windows) "), ("V", "extern(Pascal) "), ("R", "extern(C++) "),
      ("Y", "extern(Objective-C) "),
    ]
    for (tag, text) in conventions where take(tag) { return try write(text) }
    throw Failure()
  }

  mutating func attributes() throws(Failure) {
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

  mutating func argumentList() throws(Failure) {
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
}
