import Testing
import Unwinding

struct UnwindTableTests {
  @Test func `an address outside the table has no rule`() {
    let table = UnwindTable(firstPage: 0x1000, pages: [.init(first: 1, count: 0)], rows: [0], rules: [.gap])

    #expect(table.rule(at: 0xFFF) == .gap)
    #expect(table.rule(at: 0x1000) == .gap)
    #expect(table.rule(at: 0x2000) == .gap)
  }
}
