import LinuxSystem
import SeededRandom
import Testing

@testable import Symbolication

@Suite struct MachineInstructionTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// The C library has code for every extension of the instruction set that its functions can use.
  @Test(arguments: [".text", ".plt"])
  func `instructions are as long as objdump says`(section: String) throws {
    try workshop.run(
      "objdump -d -w -j \(section) $(gcc -print-file-name=libc.so.6)"
        + " | awk -F '\\t' '/^ +[0-9a-f]+:\\t/ && !/\\(bad\\)/ && n++ % 9 == 0 { print $2 }' > instructions")
    var checked = 0
    for line in try OpenFile.text(of: workshop.path("instructions")).split(separator: "\n") {
      let bytes = line.split(separator: " ").compactMap { UInt8($0, radix: 16) }
      let instruction = MachineInstruction(bytes + [UInt8](repeating: 0x90, count: 16), at: 0)
      #expect(instruction?.length == bytes.count, "\(line)")
      checked += 1
    }
    #expect(checked > (section == ".text" ? 20_000 : 5))
  }

  @Test(
    arguments: [
      ([0xC3], MachineInstruction.Flow.end), ([0xF3, 0xC3], .end), ([0xC2, 8, 0], .end), ([0x0F, 0x0B], .end),
      ([0xE9, 1, 2, 3, 4], .end), ([0xFF, 0x25, 1, 2, 3, 4], .end), ([0x3E, 0xFF, 0xE0], .end), ([0xCC], .end),
      ([0xEB, 0x10], .shortJump(16)), ([0x74, 0xF0], .branch(-16)), ([0xE3, 2], .branch(2)),
      ([0xE8, 1, 2, 3, 4], .call), ([0xFF, 0xD0], .call), ([0x41, 0xFF, 0x53, 8], .call),
      ([0xF3, 0x0F, 0x1E, 0xFA], .landing), ([0x0F, 0x84, 1, 2, 3, 4], .on), ([0xFF, 0x30], .on),
    ] as [([UInt8], MachineInstruction.Flow)])
  func `where an instruction leads is told`(bytes: [UInt8], flow: MachineInstruction.Flow) throws {
    let instruction = try #require(MachineInstruction(bytes, at: 0))
    #expect(instruction.length == bytes.count)
    #expect(instruction.flow == flow)
    for count in 0..<bytes.count where bytes[0] != 0xF3 {
      #expect(MachineInstruction(Array(bytes.prefix(count)), at: 0) == nil)
    }
  }

  @Test func `no bytes are read past their end`() {
    var random = SplitMix(state: 12)
    for _ in 0..<200_000 {
      let bytes = (0..<Int(random.next() % 18)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      if let instruction = MachineInstruction(bytes, at: 0) {
        #expect((1...min(bytes.count, 15)).contains(instruction.length))
      }
    }
  }

  /// Each with the offsets from which on code is not the function's any more.
  @Test(
    arguments: [
      // ret
      ([0x90, 0xC3, 0x90], 2),
      // je over a ret; ret
      ([0x74, 1, 0xC3, 0xC3, 0xC3], 4),
      // the same, with padding behind the first ret
      ([0x74, 4, 0xC3, 0x66, 0x90, 0xCC, 0xC3], 3),
      // jmp over data that is no code, to a ret
      ([0xEB, 1, 0xC3, 0xC3, 0xC3], 4),
      // jmp far away
      ([0xE9, 0, 0, 0, 0, 0xC3], 5),
      // a call that may not return, and padding
      ([0xE8, 0, 0, 0, 0, 0x66, 0x90, 0xC3], 5),
      // a call that returns
      ([0xE8, 0, 0, 0, 0, 0x50, 0xC3, 0xC3], 7),
      // the entry of another function
      ([0x50, 0xF3, 0x0F, 0x1E, 0xFA, 0xC3], 1),
      // an instruction that there is not
      ([0x50, 0x06, 0xC3], 1),
    ] as [([UInt8], Int)])
  func `a function runs on up to what may begin another one`(bytes: [UInt8], end: Int) {
    let code = FunctionCode(bytes)
    for offset in bytes.indices { #expect(code.contains(offset) == (offset < end), "\(offset)") }
  }
}
