import Testing

@testable import Unwinding

struct UnwindTableMergeTests {
  private func rule(_ offset: Int32) -> UnwindRule { UnwindRule(frameAddress: .stackPointer(offset: offset)) }

  /// - Parameter rows: the offset of the rule that holds from an address on; nil for a gap.
  private func table(_ rows: [(address: UInt64, offset: Int32?)], damagedEntries: Int = 0) -> UnwindTable {
    var builder = UnwindTableBuilder(from: rows[0].address)
    for row in rows {
      let number = row.offset.map { builder.number(of: rule($0)) } ?? UnwindTableBuilder.gap
      builder.add(number, at: row.address)
    }
    return builder.table(damagedEntries: damagedEntries)
  }

  private func merge(_ trusted: UnwindTable, _ filler: UnwindTable, rows: Int = 1) throws -> UnwindTable {
    var merge = try UnwindTableMerge(trusted, filledBy: filler)
    while try merge.advance(rows: rows) {}
    return merge.table()
  }

  @Test func `a table fills the gaps of another, and nothing else`() throws {
    let trusted = table([(0x1100, 8), (0x1180, nil), (0x5000, 16), (0x5010, 24), (0x5020, nil)], damagedEntries: 1)
    let filler = table([(0x800, 100), (0x1140, 104), (0x1200, nil), (0x4FFF, 108), (0x9000, nil)], damagedEntries: 2)

    let merged = try merge(trusted, filler)

    for address in stride(from: UInt64(0), to: 0xA000, by: 1) {
      let own = trusted.rule(at: address)
      #expect(merged.rule(at: address) == (own == .gap ? filler.rule(at: address) : own))
    }
    #expect(merged.damagedEntries == 3)
  }

  @Test func `tables of any shape merge alike, in steps of any size`() throws {
    var state: UInt64 = 3
    func next(_ limit: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % limit
    }
    for round in 0..<40 {
      let tables = (0..<2).map { _ in
        let addresses = Set((0..<(1 + next(30))).map { _ in 0x1000 + next(0x6000) }).sorted()
        return table(addresses.map { ($0, next(3) == 0 ? nil : Int32(next(4)) * 8) } + [(0x7000, nil)])
      }

      let merged = try merge(tables[0], tables[1], rows: 1 + round % 7)

      for address in stride(from: UInt64(0x1000), to: 0x7000, by: 1) {
        let own = tables[0].rule(at: address)
        let expected = own == .gap ? tables[1].rule(at: address) : own
        if merged.rule(at: address) != expected { Issue.record("round \(round): \(address)") }
      }
    }
  }
}
