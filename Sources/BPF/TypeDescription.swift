/// Types in the BPF Type Format, as `.BTF` of an object file and /sys/kernel/btf/vmlinux have them (the kernel's
/// Documentation/bpf/btf.rst). Every read is bounds-checked.
struct TypeDescription {
  enum DecodeError: Error, Equatable {
    case truncated
    case notTypes
    case unknownKind(UInt32)
    /// Types that hold themselves, or deeper in one another than any that a compiler has seen.
    case tooDeep
  }

  /// The kinds of include/uapi/linux/btf.h.
  enum Kind: UInt32 {
    case integer = 1
    case pointer, array, structure, union, enumeration, forward, typedef, volatile, const, restrict, function
    case prototype, variable, section, float, declarationTag, typeTag, longEnumeration

    /// The bytes behind the twelve that each type has: some, and some for each member, parameter or value.
    fileprivate var tailSize: (fixed: Int, each: Int) {
      switch self {
      case .integer, .variable, .declarationTag: (4, 0)
      case .array: (12, 0)
      case .structure, .union, .section, .longEnumeration: (0, 12)
      case .enumeration, .prototype: (0, 8)
      case .pointer, .forward, .typedef, .volatile, .const, .restrict, .function, .float, .typeTag: (0, 0)
      }
    }
  }

  /// What every type has.
  struct Header {
    let name: UInt32
    let kind: Kind
    /// Members, parameters, values.
    let count: Int
    /// Of structures: whether members' offsets have the sizes of bit fields in them.
    let flag: Bool
    /// The size in bytes, or the type that this one is made of.
    let sizeOrType: UInt32
  }

  struct Member {
    let name: UInt32
    let type: UInt32
    /// In bits, in the lower 24 bits where `Header.flag` is set.
    let offset: UInt32
  }

  static let magic: UInt16 = 0xEB9F
  static let headerSize = 24
  static let typeSize = 12

  private let bytes: FrozenBytes
  private let names: Range<Int>
  /// Where each type lies, by its number; number 0 is `void`.
  private let places: [UInt32]
  /// The numbers of structures and unions with names.
  let namedStructures: [UInt32]

  init(decoding bytes: FrozenBytes) throws(DecodeError) {
    self.bytes = bytes
    guard bytes.count >= Self.headerSize else { throw .truncated }
    guard try Self.load(UInt16.self, bytes, 0) == Self.magic else { throw .notTypes }
    func section(_ place: Int) throws(DecodeError) -> Range<Int> {
      let start =
        Int(try Self.load(UInt32.self, bytes, 4)) + Int(try Self.load(UInt32.self, bytes, place))
      let end = start + Int(try Self.load(UInt32.self, bytes, place + 4))
      guard end <= bytes.count else { throw .truncated }
      return start..<end
    }
    let types = try section(8)
    names = try section(16)
    var places: [UInt32] = [0]
    places.reserveCapacity(types.count / 24)
    var structures: [UInt32] = []
    let tailSizes = Self.tailSizes
    var place = types.lowerBound
    // A kernel has 150,000 types: no more is read of each than it takes.
    while place < types.upperBound {
      let information = try Self.load(UInt32.self, bytes, place + 4)
      let kind = Self.kind(information)
      let tailSize = tailSizes[Int(kind)]
      guard tailSize.isKnown else { throw .unknownKind(kind) }
      if kind == Kind.structure.rawValue || kind == Kind.union.rawValue,
        try Self.load(UInt32.self, bytes, place) != 0
      {
        structures.append(UInt32(places.count))
      }
      places.append(UInt32(place))
      place += Self.typeSize + tailSize.fixed + tailSize.each * Self.count(information)
    }
    guard place == types.upperBound else { throw .truncated }
    self.places = places
    namedStructures = structures
  }

  /// How many types there are, `void` included.
  var count: Int { places.count }

  func header(_ number: UInt32) throws(DecodeError) -> Header { try Self.header(bytes, at: try place(number)) }

  /// The members of a structure or a union, with their places in the description.
  func members(_ number: UInt32) throws(DecodeError) -> [Member] {
    let place = try place(number)
    var members: [Member] = []
    for index in 0..<(try Self.header(bytes, at: place).count) {
      let start = place + Self.typeSize + 12 * index
      members.append(
        Member(
          name: try Self.load(UInt32.self, bytes, start), type: try Self.load(UInt32.self, bytes, start + 4),
          offset: try Self.load(UInt32.self, bytes, start + 8)))
    }
    return members
  }

  /// The element type of an array, its index type and its count.
  func array(_ number: UInt32) throws(DecodeError) -> (element: UInt32, index: UInt32, count: UInt32) {
    let place = try place(number) + Self.typeSize
    return (
      try Self.load(UInt32.self, bytes, place), try Self.load(UInt32.self, bytes, place + 4),
      try Self.load(UInt32.self, bytes, place + 8)
    )
  }

  /// The bytes behind the header of a type.
  func tail(_ number: UInt32) throws(DecodeError) -> [UInt8] {
    let place = try place(number)
    let header = try Self.header(bytes, at: place)
    let start = place + Self.typeSize
    let size = header.kind.tailSize
    guard let tail = bytes[start..<start + size.fixed + size.each * header.count] else { throw .truncated }
    return tail
  }

  /// The bytes of a name, without the zero at its end.
  func name(_ offset: UInt32) throws(DecodeError) -> [UInt8] {
    guard let name = bytes.text(at: names.lowerBound + Int(offset), before: names.upperBound) else { throw .truncated }
    return name
  }

  /// The first four bytes of a name as a little-endian number, fewer where it is shorter.
  func beginning(_ offset: UInt32) throws(DecodeError) -> UInt32 {
    Self.untilZero(try Self.load(UInt32.self, bytes, names.lowerBound + Int(offset)))
  }

  /// The same of a name in hand.
  static func beginning(of name: String) -> UInt32 {
    name.utf8.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  private static func untilZero(_ bytes: UInt32) -> UInt32 {
    for length: UInt32 in 0..<4 where bytes >> (8 * length) & 0xFF == 0 { return bytes & ((1 << (8 * length)) - 1) }
    return bytes
  }

  /// By the number of the kind.
  private static let tailSizes = (0..<32 as Range<UInt32>).map { number in
    let size = Kind(rawValue: number)?.tailSize
    return (isKnown: size != nil, fixed: size?.fixed ?? 0, each: size?.each ?? 0)
  }

  private static func kind(_ information: UInt32) -> UInt32 { information >> 24 & 31 }

  private static func count(_ information: UInt32) -> Int { Int(information & 0xFFFF) }

  private func place(_ number: UInt32) throws(DecodeError) -> Int {
    guard number > 0, number < places.count else { throw .truncated }
    return Int(places[Int(number)])
  }

  private static func header(_ bytes: FrozenBytes, at place: Int) throws(DecodeError) -> Header {
    let information = try load(UInt32.self, bytes, place + 4)
    guard let kind = Kind(rawValue: kind(information)) else { throw .unknownKind(kind(information)) }
    return Header(
      name: try load(UInt32.self, bytes, place), kind: kind, count: count(information),
      flag: information >> 31 != 0, sizeOrType: try load(UInt32.self, bytes, place + 8))
  }

  private static func load<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type, _ bytes: FrozenBytes, _ place: Int
  ) throws(DecodeError) -> Number {
    guard let number = bytes.load(type, at: place) else { throw .truncated }
    return number
  }
}
