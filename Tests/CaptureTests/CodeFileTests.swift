import CProbes
import Testing

@testable import Capture
@testable import ELF

/// What the kernel side knows of a file, whoever maps it.
struct CodeFileTests {
  private func code(at offset: UInt64, _ address: UInt64, size: UInt64, isExecutable: Bool = true) -> ELFFile.Segment {
    ELFFile.Segment(fileOffset: offset, virtualAddress: address, fileSize: size, isExecutable: isExecutable)
  }

  @Test func `code is told in whole pages, with what turns offsets into addresses`() throws {
    let file = try #require(
      swprof_code_file(
        module: 7, [code(at: 0, 0, size: 0x900, isExecutable: false), code(at: 0x1234, 0x40_2234, size: 0x2000)]))

    #expect(file.module == 7)
    #expect(file.count == 1)
    #expect(file.segments.0.start == 0x1000)
    #expect(file.segments.0.end == 0x4000)
    #expect(0x1800 &+ file.segments.0.bias == 0x40_2800)
  }

  @Test func `a file whose offsets show two pieces of code is left to what is told of each process`() {
    #expect(
      swprof_code_file(module: 7, [code(at: 0x1000, 0x1000, size: 0x800), code(at: 0x1800, 0x5800, size: 9)]) == nil)
    #expect(
      swprof_code_file(module: 7, [code(at: 0x1000, 0x1000, size: 0x800), code(at: 0x2000, 0x5000, size: 9)]) != nil)
  }

  @Test func `sizes that cannot be are no code`() {
    #expect(swprof_code_file(module: 7, [code(at: .max - 5, 0, size: 9)]) == nil)
    #expect(swprof_code_file(module: 7, [code(at: .max - 5, 0, size: 5)]) == nil)
  }

  @Test func `a file in more pieces than there is room for is left to what is told of each process`() {
    let pieces = (0..<UInt64(SWPROF_FILE_SEGMENTS_MAX) + 1).map { code(at: $0 << 12, $0 << 12, size: 9) }

    #expect(swprof_code_file(module: 7, pieces) == nil)
    #expect(swprof_code_file(module: 7, pieces.dropLast())?.count == UInt32(SWPROF_FILE_SEGMENTS_MAX))
  }
}
