/// The unwind rules of one ELF file, in the form in which the kernel side searches them.
///
/// A row holds for the addresses from its own to the next row's. Rows are grouped by pages of `pageSize` bytes of
/// *ELF virtual addresses*; a row is one number, its place within the page above, the index of its rule below, so that
/// the rows of a page are in ascending order as numbers. An address whose page has no row at or below it belongs to
/// the last row before that page.
package struct UnwindTable: Equatable, Sendable {
  /// The rows of one page.
  package struct Page: Equatable, Sendable, BitwiseCopyable {
    /// The index in `rows` of the page's first row; where `count` is zero, of the first row of a later page.
    package var first: UInt32
    package var count: UInt32

    package init(first: UInt32, count: UInt32) {
      self.first = first
      self.count = count
    }
  }

  package static let pageBits = 12
  package static let pageSize: UInt64 = 1 << 12
  /// A row is `place within the page << ruleBits | index of the rule`.
  package static let ruleBits = 20
  package static let maximumRules = 1 << 20

  /// The ELF virtual address of the first page; a multiple of `pageSize`.
  package var firstPage: UInt64
  package var pages: [Page]
  /// The first one is a gap that stands for everything below the first page's first row.
  package var rows: [UInt32]
  /// Without repetition; the first one is `UnwindRule.gap`.
  package var rules: [UnwindRule]
  /// Entries of the file that made no sense; their code is a gap or unsupported.
  package var damagedEntries: Int

  package init(firstPage: UInt64, pages: [Page], rows: [UInt32], rules: [UnwindRule], damagedEntries: Int = 0) {
    self.firstPage = firstPage
    self.pages = pages
    self.rows = rows
    self.rules = rules
    self.damagedEntries = damagedEntries
  }

  /// The rule for an ELF virtual address; a gap for one that no row covers.
  package func rule(at address: UInt64) -> UnwindRule {
    guard address >= firstPage, (address - firstPage) >> UInt64(Self.pageBits) < UInt64(pages.count) else {
      return .gap
    }
    let page = pages[Int((address - firstPage) >> UInt64(Self.pageBits))]
    let key = UInt32(address & (Self.pageSize - 1)) << UInt32(Self.ruleBits) | UInt32(Self.maximumRules - 1)
    var low = Int(page.first)
    var high = low + Int(page.count)
    while low < high {
      let middle = (low + high) / 2
      if rows[middle] <= key { low = middle + 1 } else { high = middle }
    }
    return rules[Int(rows[low - 1] & UInt32(Self.maximumRules - 1))]
  }
}
