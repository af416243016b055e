import ELF
import Testing

@testable import Unwinding

/// Stubs of the procedure linkage table.
struct LinkageStubsTests {
  private static let address: UInt64 = 0x1000

  /// A section as a linker writes it, and what is right for it.
  struct Section: CustomTestStringConvertible {
    let testDescription: String
    let code: [UInt8]
    /// The bytes that the stack holds above the caller's frame, from a place on.
    let depths: [Int: Int32]
    /// What the stub at a place calls.
    let callees: [Int: LinkageStubs.Callee?]
  }

  private static func number(_ value: Int32) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  private static let end: [UInt8] = [0xF3, 0x0F, 0x1E, 0xFA]

  // Each displacement is counted from the end of its instruction; slots are at 0x3000 (the first stub's) and 0x3018.
  private static let sections: [Section] = [
    Section(
      testDescription: "lazy, by bfd, gold and lld",
      code: [0xFF, 0x35] + number(0x2002) + [0xFF, 0x25] + number(0x2004) + [0x0F, 0x1F, 0x40, 0x00]
        + [0xFF, 0x25] + number(0x3018 - 0x1016) + [0x68, 0, 0, 0, 0, 0xE9] + number(-0x20),
      depths: [0: 16, 5: 16, 6: 24, 16: 8, 22: 8, 27: 16, 31: 16],
      callees: [0: .slot(0x3010), 16: .slot(0x3018), 22: .slot(0x3018), 31: .slot(0x3018)]),
    Section(
      testDescription: "lazy with indirect branch tracking, by bfd",
      code: [0xFF, 0x35] + number(0x2002) + [0xF2, 0xFF, 0x25] + number(0x2003) + [0x0F, 0x1F, 0x00]
        + end + [0x68, 7, 0, 0, 0, 0xF2, 0xE9] + number(-0x1F) + [0x90],
      depths: [0: 16, 6: 24, 16: 8, 20: 8, 25: 16],
      callees: [16: .relocation(7), 25: .relocation(7)]),
    Section(
      testDescription: ".plt.sec with indirect branch tracking, by bfd and lld",
      code: end + [0xF2, 0xFF, 0x25] + number(0x3000 - 0x100B) + [0x0F, 0x1F, 0x44, 0, 0]
        + end + [0xFF, 0x25] + number(0x3018 - 0x101A) + [0x66, 0x0F, 0x1F, 0x44, 0, 0],
      depths: [0: 8, 4: 8, 16: 8, 20: 8],
      callees: [0: .slot(0x3000), 4: .slot(0x3000), 16: .slot(0x3018), 25: .slot(0x3018)]),
    Section(
      testDescription: ".plt.got of 8 bytes",
      code: [0xFF, 0x25] + number(0x3000 - 0x1006) + [0x66, 0x90]
        + [0xFF, 0x25] + number(0x3018 - 0x100E) + [0x66, 0x90],
      depths: [0: 8, 8: 8], callees: [0: .slot(0x3000), 8: .slot(0x3018)]),
    Section(
      testDescription: "mold",
      code: end + [0x41, 0x53, 0xFF, 0x35] + number(0x2000) + [0xFF, 0x25] + number(0x2000)
        + [UInt8](repeating: 0xCC, count: 14) + end + [0x41, 0xBB, 1, 0, 0, 0, 0xFF, 0x25] + number(0x3018 - 0x1030),
      depths: [0: 8, 4: 8, 6: 16, 11: 16, 12: 24, 17: 24, 32: 8, 36: 8, 42: 8],
      callees: [32: .slot(0x3018), 42: .slot(0x3018)]),
    Section(
      testDescription: "lazy retpoline, by lld",
      code: [0xFF, 0x35] + number(0x2002) + [0x4C, 0x8B, 0x1D] + number(0x2003) + [0xE8, 14, 0, 0, 0]
        + [0xF3, 0x90, 0x0F, 0xAE, 0xE8, 0xEB, 0xF9] + [UInt8](repeating: 0xCC, count: 7)
        + [0x4C, 0x89, 0x1C, 0x24, 0xC3] + [UInt8](repeating: 0xCC, count: 11)
        + [0x4C, 0x8B, 0x1D] + number(0x3018 - 0x1037) + [0xE8] + number(-0x1C) + [0xE9] + number(-0x2F)
        + [0x68, 0, 0, 0, 0, 0xE9] + number(-0x4B) + [UInt8](repeating: 0xCC, count: 5),
      depths: [0: 16, 6: 24, 32: 16, 36: 16, 48: 8, 55: 8, 60: 8, 65: 8, 70: 16],
      callees: [32: .none, 36: .none, 48: .slot(0x3018), 59: .slot(0x3018), 70: .slot(0x3018)]),
    Section(
      testDescription: "retpoline that is bound at the start, by lld",
      code: [0xE8, 11, 0, 0, 0, 0xF3, 0x90, 0x0F, 0xAE, 0xE8, 0xEB, 0xF9] + [UInt8](repeating: 0xCC, count: 4)
        + [0x4C, 0x89, 0x1C, 0x24, 0xC3] + [UInt8](repeating: 0xCC, count: 11)
        + [0x4C, 0x8B, 0x1D] + number(0x3018 - 0x1027) + [0xE9] + number(-0x2C)
        + [UInt8](repeating: 0xCC, count: 4),
      depths: [0: 8, 16: 16, 20: 16, 32: 8, 39: 8],
      callees: [16: .none, 32: .slot(0x3018), 43: .slot(0x3018)]),
    Section(
      testDescription: "code that is no stub",
      code: [0x48, 0x83, 0xEC, 0x08] + [UInt8](repeating: 0x90, count: 12) + end + [0xFF, 0x25]
        + number(0x3018 - 0x101A),
      depths: [16: 8], callees: [0: .none, 16: .slot(0x3018)]),
  ]

  @Test(arguments: sections)
  func `the stack and the callee of a stub follow from its code`(section: Section) {
    let stubs = LinkageStubs(section.code, at: Self.address)
    let rows = stubs.rows

    #expect(rows.map(\.address) == rows.map(\.address).sorted())
    #expect(rows.last?.address == Self.address + UInt64(section.code.count))
    #expect(rows.last.map { $0.depth == nil } == true)
    for (place, depth) in section.depths {
      #expect(rows.last { $0.address <= Self.address + UInt64(place) }?.depth == depth, "at \(place)")
    }
    for (place, callee) in section.callees {
      #expect(stubs.callee(ofStubAt: Self.address + UInt64(place)) == callee, "at \(place)")
    }
  }

  @Test func `code that is no stub has no depth`() {
    let rows = LinkageStubs([0x48, 0x83, 0xEC, 0x08, 0xC3], at: Self.address).rows

    #expect(rows.allSatisfy { $0.depth == nil })
  }

  @Test func `no bytes make trouble`() {
    var state: UInt64 = 9
    func next() -> UInt8 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 33)
    }
    let samples = Self.sections.map(\.code)
    for round in 0..<2_000 {
      var code = samples[round % samples.count] + samples[Int(next()) % samples.count]
      for _ in 0..<(1 + round % 5) { code[Int(next()) % code.count] = next() }
      let address: UInt64 = round % 2 == 0 ? 0x1000 : 0 &- UInt64(code.count) - 1
      let stubs = LinkageStubs(round % 3 == 0 ? code.map { _ in next() } : code, at: address)
      #expect(stubs.rows.count <= 2 * code.count + 1)
      for place in 0..<code.count { _ = stubs.callee(ofStubAt: address &+ UInt64(place)) }
    }
  }

  private static let linkers = [
    "mold", "mold -Wl,-z,now", "lld -Wl,-z,lazy", "lld -Wl,-z,now", "lld -Wl,-z,retpolineplt -Wl,-z,lazy",
    "lld -Wl,-z,retpolineplt -Wl,-z,now", "lld -Wl,-z,force-ibt", "gold", "bfd", "bfd -Wl,-z,ibtplt",
  ]

  @Test(arguments: linkers)
  func `the stub that a function calls leaves its caller's frame where the call puts it`(linker: String) throws {
    let workshop = try Workshop()
    try workshop.write("int alpha(int x) { return x; } int bravo(int x) { return x; }", to: "callees.c")
    try workshop.write(
      """
      int alpha(int), bravo(int);
      void *pointer(void) { return (void *)alpha; }
      int call_alpha(int x) { return alpha(x) + 1; }
      int call_bravo(int x) { return bravo(x) + 2; }
      """, to: "a.c")
    try workshop.run("gcc -shared -fPIC -o libcallees.so callees.c")
    try workshop.run("gcc -O2 -fPIC -shared -fuse-ld=\(linker) -o a.so a.c libcallees.so")
    let table = try #require(try UnwindTable(workshop.file("a.so")))

    for function in ["call_alpha", "call_bravo"] {
      let stub = try #require(try workshop.firstCall(of: function, in: "a.so"))
      switch table.rule(at: stub).frameAddress {
      case .stackPointer(8): break
      // The usual stubs of bfd and gold, in one rule for all of their instructions.
      case .linkageStub(8, let threshold): #expect(stub & 15 < UInt64(threshold))
      case let other: Issue.record("\(function): \(other)")
      }
    }
  }
}
