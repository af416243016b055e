import ELF
import Glibc
import LinuxSystem
import Testing

@testable import Unwinding

/// Our tables against libdw, row for row.
struct OracleTests {
  /// Compares the rules at the first and the last byte of every row of libdw's.
  private func compare(_ path: String) throws -> (rows: Int, differences: [String]) {
    guard let file = try? ELFFile(ByteSource(OpenFile(path))), let oracle = LibdwRules(path) else { return (0, []) }
    let table = try UnwindTable(file)
    var rows = 0
    var differences: [String] = []
    for entry in try entries(of: file) {
      var address = entry.start
      while address < entry.end, let row = oracle.row(at: address), row.end > address {
        rows += 1
        for place in [address, min(row.end, entry.end) - 1] {
          let ours = table?.rule(at: place) ?? .gap
          if ours != row.rule {
            differences.append("\(path) at \(String(place, radix: 16)): \(ours), libdw: \(row.rule)")
          }
        }
        address = row.end
      }
    }
    return (rows, differences)
  }

  /// The code that the file says something about; where two entries overlap, up to the later one's start.
  private func entries(of file: ELFFile) throws -> [(start: UInt64, end: UInt64)] {
    guard let place = try file.callFrameSection() else { return [] }
    let bytes = try file.source.bytes(at: place.offset, count: place.size, of: .callFrames, limit: 1 << 30)
    let code = file.loads.filter(\.isExecutable)
    let entries = CallFrameSection(bytes, address: place.address).entries
      .filter { entry in
        code.contains { entry.start >= $0.virtualAddress && entry.end - $0.virtualAddress <= $0.fileSize }
      }
      .sorted { ($0.start, $0.end) < ($1.start, $1.end) }
    return entries.enumerated().map { index, entry in
      (entry.start, index + 1 < entries.count ? min(entry.end, entries[index + 1].start) : entry.end)
    }
  }

  @Test func `tables agree with libdw on files of every origin`() throws {
    let libraries = "/usr/lib/x86_64-linux-gnu"
    var compared: [String] = []
    for path in [
      "\(libraries)/libc.so.6", "\(libraries)/ld-linux-x86-64.so.2", "\(libraries)/libcrypto.so.3",
      "\(libraries)/libstdc++.so.6", "/usr/bin/python3.11", "/usr/bin/bash", "/proc/self/exe",
    ] where access(path, R_OK) == 0 {
      let result = try compare(path)
      #expect(result.differences.isEmpty, "\(result.differences.prefix(5).joined(separator: "\n"))")
      if result.rows > 0 { compared.append(path) }
    }

    #expect(compared.contains("\(libraries)/libc.so.6"))
    #expect(compared.count >= 4)
  }

  /// For scripts/compare-unwind-tables, which names a file with a path on each line.
  @Test(.enabled(if: getenv("SWPROF_UNWIND_FILES") != nil))
  func `tables agree with libdw on every file named`() throws {
    let list = try #require(getenv("SWPROF_UNWIND_FILES").map { String(cString: $0) })
    var rows = 0
    var files = 0
    for path in try OpenFile.text(of: list).split(separator: "\n") {
      let result = try compare(String(path))
      rows += result.rows
      files += result.rows > 0 ? 1 : 0
      #expect(result.differences.isEmpty, "\(result.differences.prefix(3).joined(separator: "\n"))")
    }
    print("compared \(rows) rows of \(files) files")
    #expect(files > 0)
  }

  @Test func `the vDSO has a table`() throws {
    let image = try #require(VDSO.image)
    let table = try #require(try UnwindTable(ELFFile(.memory(image))))

    #expect(table.rows.count > 5)
    #expect(table.damagedEntries == 0)
  }

  @Test func `a file without section headers is found by its index`() throws {
    var bytes = try OpenFile.contents(of: "/usr/lib/x86_64-linux-gnu/libc.so.6")
    let whole = try #require(try UnwindTable(ELFFile(.memory(bytes))))
    // e_shoff, e_shnum and e_shstrndx (elf(5)).
    for place in Array(40..<48) + Array(60..<64) { bytes[place] = 0 }

    let found = try #require(try UnwindTable(ELFFile(.memory(bytes))))

    #expect(found == whole)
  }

  @Test func `damage of any kind neither crashes nor hangs nor grows`() throws {
    let bytes = try OpenFile.contents(of: "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
    let place = try #require(try ELFFile(.memory(bytes)).callFrameSection())
    let whole = try #require(try UnwindTable(ELFFile(.memory(bytes))))
    var generator = SplitMix(state: 7)
    for round in 0..<300 {
      var damaged = bytes
      for _ in 0..<(1 << (round % 8)) {
        let position = Int(place.offset) + Int(generator.next() % place.size)
        damaged[position] = UInt8(truncatingIfNeeded: generator.next())
      }
      guard let table = try? UnwindTable(ELFFile(.memory(damaged))) else { continue }
      #expect(table.rows.count < 20 * whole.rows.count)
      #expect(UInt64(table.pages.count) <= UInt64(bytes.count) / UnwindTable.pageSize + 1)
      _ = table.rule(at: generator.next() % (1 << 18))
    }
  }

  /// The same numbers in every run.
  private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var value = state
      value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
      value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
      return value ^ value >> 31
    }
  }
}
