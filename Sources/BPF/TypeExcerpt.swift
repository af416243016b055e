/// The few types of the kernel that an object's programs look at, in the format of the whole.
///
/// libbpf reads all of the kernel's types (some 150,000 in 5 MB) and compares their names for each one that a program
/// asks for, which takes it some 30 ms. Here, structures keep the members that the object names too, whatever else they
/// hold by value is as large as it is there, and pointers point to nothing: what a place within a structure is made of
/// (tools/lib/bpf/relo_core.c, `bpf_core_match_member`). Programs that ask for more, whether types match or what values
/// have, need the whole.
struct TypeExcerpt {
  private let source: TypeDescription
  /// The names of members that are kept, by the name of their structure.
  private let wanted: [String: Set<String>]
  private var types: [UInt8] = []
  private var names: [UInt8] = [0]
  private var numbers: [UInt32: UInt32] = [:]
  /// How many types hold the one that is copied.
  private var depth = 0

  private static let maximumDepth = 64

  /// The types of `kernel` that have the names of types in `object`, in BTF.
  static func make(
    from kernel: TypeDescription, namedBy object: TypeDescription
  ) throws(TypeDescription.DecodeError) -> [UInt8] {
    var excerpt = TypeExcerpt(source: kernel, wanted: try structures(of: object))
    try excerpt.copyWanted()
    return excerpt.encoded
  }

  private init(source: TypeDescription, wanted: [String: Set<String>]) {
    self.source = source
    self.wanted = wanted
  }

  /// The members of each named structure and union, those within unnamed ones included. What follows `___` in a name
  /// tells forms of one type apart (libbpf, "flavors").
  static func structures(of object: TypeDescription) throws(TypeDescription.DecodeError) -> [String: Set<String>] {
    func collect(
      _ number: UInt32, into names: inout Set<String>, depth: Int = 0
    ) throws(TypeDescription.DecodeError) {
      guard depth < maximumDepth else { throw .tooDeep }
      for member in try object.members(number) {
        if member.name != 0 {
          names.insert(String(decoding: try object.name(member.name), as: UTF8.self))
        } else {
          try collect(member.type, into: &names, depth: depth + 1)
        }
      }
    }
    var structures: [String: Set<String>] = [:]
    for number in object.namedStructures {
      let name = String(decoding: try object.name(object.header(number).name), as: UTF8.self)
      let essential = name.firstRange(of: "___").map { String(name[..<$0.lowerBound]) } ?? name
      try collect(number, into: &structures[essential, default: []])
    }
    return structures
  }

  private mutating func copyWanted() throws(TypeDescription.DecodeError) {
    // Reading each of some 12,000 names would take longer than all the rest.
    let beginnings = Set(wanted.keys.map(TypeDescription.beginning))
    for number in source.namedStructures {
      let header = try source.header(number)
      guard beginnings.contains(try source.beginning(header.name)),
        wanted[String(decoding: try source.name(header.name), as: UTF8.self)] != nil
      else { continue }
      _ = try copy(number)
    }
  }

  /// Copies a type behind those that it is made of, once.
  ///
  /// - Returns: its number in the excerpt.
  private mutating func copy(
    _ number: UInt32, keeping kept: Set<String>? = nil
  ) throws(TypeDescription.DecodeError) -> UInt32 {
    if number == 0 { return 0 }
    if let known = numbers[number] { return known }
    guard depth < Self.maximumDepth else { throw .tooDeep }
    depth += 1
    defer { depth -= 1 }
    let header = try source.header(number)
    switch header.kind {
    case .integer, .float, .forward:
      append(header, name: try name(header.name), count: header.count, header.sizeOrType)
      types += try source.tail(number)
    case .pointer: append(header, name: 0, count: 0, 0)
    case .typedef, .volatile, .const, .restrict, .typeTag:
      let target = try copy(header.sizeOrType)
      append(header, name: try name(header.name), count: 0, target)
    case .array:
      let array = try source.array(number)
      let (element, index) = (try copy(array.element), try copy(array.index))
      append(header, name: 0, count: 0, 0)
      for field in [element, index, array.count] { append(field) }
    case .structure, .union: try copyStructure(number, header, keeping: kept)
    case .enumeration, .longEnumeration:
      append(header, name: try name(header.name), count: 0, header.sizeOrType)
    case .function, .prototype, .variable, .section, .declarationTag:
      // Nothing holds one of these by value.
      return 0
    }
    let copied = UInt32(numbers.count + 1)
    numbers[number] = copied
    return copied
  }

  /// - Parameter kept: the members of the structure that this one, without a name, is a part of.
  private mutating func copyStructure(
    _ number: UInt32, _ header: TypeDescription.Header, keeping kept: Set<String>?
  ) throws(TypeDescription.DecodeError) {
    // One that only a `typedef` names is kept whole; one that the object does not name, as an empty space.
    let isNamed = header.name != 0
    let own = isNamed ? wanted[String(decoding: try source.name(header.name), as: UTF8.self)] ?? [] : kept
    var members: [(name: UInt32, type: UInt32, offset: UInt32)] = []
    for member in try source.members(number) {
      if member.name == 0 {
        if isNamed && own?.isEmpty == true { continue }
        members.append((0, try copy(member.type, keeping: own), member.offset))
      } else if try own?.contains(String(decoding: source.name(member.name), as: UTF8.self)) ?? true {
        members.append((try name(member.name), try copy(member.type), member.offset))
      }
    }
    append(header, name: try name(header.name), count: members.count, header.sizeOrType)
    for member in members { for field in [member.name, member.type, member.offset] { append(field) } }
  }

  private mutating func append(_ header: TypeDescription.Header, name: UInt32, count: Int, _ sizeOrType: UInt32) {
    append(name)
    append((header.flag ? 1 << 31 : 0) | header.kind.rawValue << 24 | UInt32(count))
    append(sizeOrType)
  }

  private mutating func append(_ field: UInt32) {
    unsafe withUnsafeBytes(of: field) { unsafe types.append(contentsOf: $0) }
  }

  private mutating func name(_ offset: UInt32) throws(TypeDescription.DecodeError) -> UInt32 {
    if offset == 0 { return 0 }
    let place = UInt32(names.count)
    names += try source.name(offset) + [0]
    return place
  }

  private var encoded: [UInt8] {
    var header: [UInt8] = []
    unsafe withUnsafeBytes(of: TypeDescription.magic) { unsafe header.append(contentsOf: $0) }
    header += [1, 0]  // version, flags
    let fields = [TypeDescription.headerSize, 0, types.count, types.count, names.count].map(UInt32.init)
    for field in fields { unsafe withUnsafeBytes(of: field) { unsafe header.append(contentsOf: $0) } }
    return header + types + names
  }
}
