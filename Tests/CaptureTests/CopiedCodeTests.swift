import Foundation
import LinuxSystem
import ProfileModel
import Testing

@testable import Capture
@testable import ELF

/// Code of a file that a process runs from anonymous memory.
struct CopiedCodeTests {
  private static let headers = ELFFile.Segment(fileOffset: 0, virtualAddress: 0, fileSize: 0x800, isExecutable: false)
  private static let code = ELFFile.Segment(
    fileOffset: 0x1100, virtualAddress: 0x41_1100, fileSize: 0x2100, isExecutable: true)
  /// The headers, mapped at the load address 0x7000_0000.
  private static let mapping = MemoryMapping(
    start: 0x7000_0000, end: 0x7000_1000, fileOffset: 0, device: 1, inode: 2, path: "/a")

  private static func find(
    around address: UInt64, in region: Range<UInt64>, _ segments: [ELFFile.Segment] = [headers, code]
  ) -> CopiedCode? {
    CopiedCode(around: address, in: region, by: mapping, of: segments)
  }

  /// A file of random bytes, and a memory that holds them where the code belongs, changed at some offsets.
  private static func compare(changedAt offsets: [Int]) throws -> Bool {
    let bytes = (0..<0x3200).map { _ in UInt8.random(in: .min ... .max) }
    let path = FileManager.default.temporaryDirectory.appending(path: "swprof-\(UUID().uuidString)").path
    try Data(bytes).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    var memory = bytes + [UInt8](repeating: 0, count: 0xE00)
    for offset in offsets { memory[offset] ^= 0xFF }
    let copy = try #require(find(around: 0x7041_1234, in: 0x7041_1000..<0x7041_4000))
    return copy.isCopy(of: try OpenFile(path), around: 0x7041_1234) { address, count in
      let start = Int(address - 0x7041_1000) + 0x1000
      return start + count <= memory.count ? Array(memory[start..<start + count]) : nil
    }
  }

  @Test func `the code belongs where a mapping of another segment puts it`() throws {
    let copy = try #require(Self.find(around: 0x7041_1234, in: 0x7041_1000..<0x7041_4000))

    #expect(copy.addresses == 0x7041_1000..<0x7041_4000)
    #expect(copy.fileOffset == 0x1000)
  }

  @Test func `a part of the code may be copied, and other memory may lie around it`() throws {
    let part = try #require(Self.find(around: 0x7041_2234, in: 0x7041_2000..<0x7041_3000))
    #expect(part.addresses == 0x7041_2000..<0x7041_3000)
    #expect(part.fileOffset == 0x2000)

    let whole = try #require(Self.find(around: 0x7041_2234, in: 0x7040_0000..<0x7050_0000))
    #expect(whole.addresses == 0x7041_1000..<0x7041_4000)
  }

  @Test func `memory elsewhere is no copy, and neither is data`() {
    #expect(Self.find(around: 0x7042_0000, in: 0x7042_0000..<0x7043_0000) == nil)
    #expect(Self.find(around: 0x7000_0100, in: 0x7000_0000..<0x7000_1000) == nil)
  }

  @Test func `segments that cannot be mapped are passed over`() {
    for segment in [
      ELFFile.Segment(fileOffset: .max - 5, virtualAddress: .max - 5, fileSize: 9, isExecutable: true),
      ELFFile.Segment(fileOffset: 0x1100, virtualAddress: 0x41_1200, fileSize: 9, isExecutable: true),
      ELFFile.Segment(fileOffset: 0, virtualAddress: .max & ~0xFFF, fileSize: 0x9000, isExecutable: true),
      ELFFile.Segment(fileOffset: 0x1100, virtualAddress: 0x41_1100, fileSize: 0, isExecutable: true),
    ] {
      #expect(Self.find(around: 0x7041_1234, in: 0x7041_1000..<0x7041_4000, [Self.headers, segment]) == nil)
    }
  }

  @Test func `bytes decide`() throws {
    #expect(try Self.compare(changedAt: []))
    // A breakpoint.
    #expect(try Self.compare(changedAt: [0x1234]))
    // What lies in the same pages as the code does not count.
    #expect(try Self.compare(changedAt: Array(0x1000..<0x1100)))
    #expect(try !Self.compare(changedAt: Array(0x1200..<0x1300)))
  }

  @Test func `what comes to nothing is tried again ever more seldom`() {
    var time = RetryTime()
    let tries = (0..<500).filter { time.isDue(MonotonicTime(nanoseconds: UInt64($0) * 10_000_000)) }
    #expect(tries == [0, 10, 30, 70, 150, 250, 350, 450])

    time.succeeded()
    let isDue = time.isDue(MonotonicTime(nanoseconds: 5_500_000_000))
    #expect(isDue)
    #expect(!time.isReached(MonotonicTime(nanoseconds: 5_599_999_999)))
    #expect(time.isReached(MonotonicTime(nanoseconds: 5_600_000_000)))
  }
}
