/// Fills the gaps of one table from another, piece by piece as `UnwindCompilation` works.
struct UnwindTableMerge {
  /// Goes through the rows of a table in ascending order.
  private struct Rows {
    private let table: UnwindTable
    /// The numbers that the rules have in the merged table.
    let rules: [UInt32]
    private var index = 1
    private var page = 0
    /// The address of the next row; nil behind the last one.
    private(set) var next: UInt64?
    /// The rule that holds below the next row, as a number of the merged table.
    private(set) var current = UnwindTableBuilder.gap

    init(_ table: UnwindTable, _ builder: inout UnwindTableBuilder) {
      self.table = table
      rules = table.rules.map { builder.number(of: $0) }
      findNext()
    }

    mutating func advance() {
      current = rules[Int(table.rows[index] & UInt32(UnwindTable.maximumRules - 1))]
      index += 1
      findNext()
    }

    private mutating func findNext() {
      while page < table.pages.count, index >= Int(table.pages[page].first) + Int(table.pages[page].count) { page += 1 }
      guard index < table.rows.count, page < table.pages.count else { return next = nil }
      let place = UInt64(table.rows[index] >> UInt32(UnwindTable.ruleBits))
      next = table.firstPage + UInt64(page) * UnwindTable.pageSize + place
    }
  }

  private var builder: UnwindTableBuilder
  private var trusted: Rows
  private var filler: Rows
  private let damaged: Int

  /// Both tables end with a gap, as compilations make them.
  ///
  /// - Parameters:
  ///   - trusted: holds wherever it has a rule.
  ///   - filler: holds elsewhere.
  init(_ trusted: UnwindTable, filledBy filler: UnwindTable) throws(UnwindError) {
    let start = min(trusted.firstPage, filler.firstPage)
    let end = [trusted, filler].map { $0.firstPage + UInt64($0.pages.count) * UnwindTable.pageSize }.max() ?? start
    guard (end - start) / UnwindTable.pageSize < UnwindCompilation.maximumPages else { throw .codeTooWide }
    builder = UnwindTableBuilder(from: start)
    self.trusted = Rows(trusted, &builder)
    self.filler = Rows(filler, &builder)
    damaged = trusted.damagedEntries + filler.damagedEntries
  }

  /// Goes on for a number of rows.
  ///
  /// - Returns: whether there is more to do.
  mutating func advance(rows count: Int) throws(UnwindError) -> Bool {
    for _ in 0..<count {
      guard let address = trusted.next.map({ min($0, filler.next ?? $0) }) ?? filler.next else { return false }
      guard !builder.isFull else { throw .tooManyRows }
      if trusted.next == address { trusted.advance() }
      if filler.next == address { filler.advance() }
      builder.add(trusted.current == UnwindTableBuilder.gap ? filler.current : trusted.current, at: address)
    }
    return true
  }

  consuming func table() -> UnwindTable { builder.table(damagedEntries: damaged) }
}
