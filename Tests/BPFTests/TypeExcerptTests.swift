import Testing

@testable import BPF

/// What is kept of the types of the kernel that runs, for an object that names a few.
struct TypeExcerptTests {
  private static func kernel() throws -> TypeDescription {
    try TypeDescription(decoding: FrozenBytes(kernelFile: "/sys/kernel/btf/vmlinux"))
  }

  /// BTF of structures without anything but members of type `void`.
  private static func object(_ structures: [(name: String, members: [String])]) -> [UInt8] {
    var (types, names): ([UInt8], [UInt8]) = ([], [0])
    func bytes(_ fields: [UInt32]) -> [UInt8] {
      fields.flatMap { field in (0..<4).map { UInt8(truncatingIfNeeded: field >> (8 * UInt32($0))) } }
    }
    func place(_ name: String) -> UInt32 {
      defer { names += Array(name.utf8) + [0] }
      return UInt32(names.count)
    }
    for structure in structures {
      types += bytes([place(structure.name), 4 << 24 | UInt32(structure.members.count), 8])
      for member in structure.members { types += bytes([place(member), 0, 0]) }
    }
    return [0x9F, 0xEB, 1, 0]
      + bytes([24, 0, UInt32(types.count), UInt32(types.count), UInt32(names.count)]) + types + names
  }

  private static func excerpt(_ structures: [(name: String, members: [String])]) throws -> TypeDescription {
    let object = try TypeDescription(decoding: FrozenBytes(Self.object(structures)))
    return try TypeDescription(decoding: FrozenBytes(TypeExcerpt.make(from: kernel(), namedBy: object)))
  }

  private static func text(_ name: UInt32, in types: TypeDescription) throws -> String {
    String(decoding: try types.name(name), as: UTF8.self)
  }

  /// Where the members of a structure lie, in bits, those of its unnamed parts included.
  private static func places(of structure: String, in types: TypeDescription) throws -> [String: UInt32] {
    func collect(_ number: UInt32, from base: UInt32, into places: inout [String: UInt32]) throws {
      let mask: UInt32 = try types.header(number).flag ? 0xFF_FFFF : .max
      for member in try types.members(number) {
        if member.name == 0 {
          try collect(member.type, from: base + member.offset & mask, into: &places)
        } else {
          places[try text(member.name, in: types)] = base + member.offset & mask
        }
      }
    }
    let number = try #require(
      try types.namedStructures.first {
        let header = try types.header($0)
        return try header.kind == .structure && text(header.name, in: types) == structure
      })
    var places: [String: UInt32] = [:]
    try collect(number, from: 0, into: &places)
    return places
  }

  @Test func membersKeepTheirPlaces() throws {
    let wanted = ["task_struct": ["pid", "comm", "mm"], "mm_struct": ["end_code"], "upid": ["nr", "ns"]]
    let excerpt = try Self.excerpt(wanted.map { ($0.key, $0.value) })
    for (structure, members) in wanted {
      let whole = try Self.places(of: structure, in: Self.kernel())
      let kept = try Self.places(of: structure, in: excerpt)
      #expect(kept == whole.filter { members.contains($0.key) }, "\(structure)")
      #expect(kept.count == members.count, "\(structure): \(kept)")
    }
  }

  @Test func anExcerptIsSmall() throws {
    let excerpt = try Self.excerpt([("task_struct", ["pid", "signal"]), ("signal_struct", ["live"])])
    #expect(excerpt.count < 30)
  }

  @Test func formsOfOneTypeAreOneType() throws {
    let object = Self.object([("task_struct", ["pid"]), ("task_struct___before_5_14", ["state"])])
    let structures = try TypeExcerpt.structures(of: TypeDescription(decoding: FrozenBytes(object)))
    #expect(structures == ["task_struct": ["pid", "state"]])
  }

  @Test func whatTheKernelDoesNotHaveIsLeftOut() throws {
    let excerpt = try Self.excerpt([("swprof_no_such_type", ["pid"]), ("task_struct", ["swprof_no_such_member"])])
    #expect(try Self.places(of: "task_struct", in: excerpt).isEmpty)
  }

  @Test func damagedTypesAreRefused() throws {
    let whole = Self.object([("task_struct", ["pid", "comm"])])
    for count in 0..<whole.count {
      #expect(throws: TypeDescription.DecodeError.self, "\(count) bytes") {
        try TypeDescription(decoding: FrozenBytes(Array(whole.prefix(count))))
      }
    }
    // Whatever a byte is, there is an answer or an error.
    for place in whole.indices {
      for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
        var damaged = whole
        damaged[place] = value
        guard let object = try? TypeDescription(decoding: FrozenBytes(damaged)) else { continue }
        _ = try? TypeExcerpt.make(from: object, namedBy: object)
      }
    }
  }
}
