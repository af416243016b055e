import Foundation
import LinuxSystem
import Testing

struct OnlineCPUsTests {
  @Test func `a CPU that comes, or comes back, is a newcomer once`() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "swprof-cpus-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    func look(_ list: String, _ cpus: inout OnlineCPUs) throws -> [Int32] {
      try Data(list.utf8).write(to: file)
      return try cpus.newcomers()
    }
    try Data("0-1\n".utf8).write(to: file)
    var cpus = try OnlineCPUs(path: file.path)
    #expect(cpus.all == [0, 1])

    #expect(try look("0-1\n", &cpus) == [])
    #expect(try look("0-3\n", &cpus) == [2, 3])
    #expect(try look("0,2-3\n", &cpus) == [])
    #expect(try look("0-3\n", &cpus) == [1])
    #expect(cpus.all == [0, 1, 2, 3])
  }

  @Test func `the list of this machine is the one that getconf counts`() throws {
    #expect(try OnlineCPUs().all.count == sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }
}

struct TickRecordTests {
  @Test(arguments: [(5, TickRecord.paused), (6, .resumed)] as [(UInt32, TickRecord)])
  func `pauses of sampling are told by their kind`(kind: UInt32, record: TickRecord) {
    let bytes = withUnsafeBytes(of: kind) { Array($0) } + [UInt8](repeating: 0, count: 28)
    #expect(TickRecord(decoding: bytes.span.bytes) == record)
  }

  @Test func `other records and what is too short are none`() {
    for bytes in [[9, 0, 0, 0, 0, 0, 8, 0], [5, 0, 0, 0]] as [[UInt8]] {
      #expect(TickRecord(decoding: bytes.span.bytes) == nil)
    }
  }
}

struct ByteSearchTests {
  @Test(arguments: [("abcabd", "abd", true), ("abc", "abcd", false), ("", "a", false), ("aab", "ab", true)])
  func `bytes are found where they are`(all: String, wanted: String, isThere: Bool) {
    #expect(Array(all.utf8).contains(bytes: Array(wanted.utf8)) == isThere)
  }
}
