import BPF
import CProbes
import Unwinding

extension UnwindTable {
  private var pageLines: Int { UnwindLines.lines(forBytes: pages.count * MemoryLayout<swprof_unwind_page>.stride) }
  private var rowLines: Int { UnwindLines.lines(forBytes: rows.count * MemoryLayout<UInt32>.stride) }
  private var ruleLines: Int { UnwindLines.lines(forBytes: rules.count * MemoryLayout<swprof_unwind_rule>.stride) }

  /// The lines that the table takes in the kernel.
  var storedLines: Int { 1 + pageLines + rowLines + ruleLines }

  /// Writes the table into lines of the kernel side.
  ///
  /// - Returns: the line of its `struct swprof_module`, or nil when there is no room for it.
  func store(in lines: UnwindLines) throws(BPFError) -> UInt32? {
    guard let first = try lines.allocate(lines: storedLines) else { return nil }
    var module = swprof_module()
    module.first_page = firstPage
    module.page_count = UInt32(pages.count)
    module.pages = first + 1
    module.rows = module.pages + UInt32(pageLines)
    module.rules = module.rows + UInt32(rowLines)
    // `Page` is laid out as `struct swprof_unwind_page` is.
    lines.write(pages, at: module.pages)
    lines.write(rows, at: module.rows)
    lines.write(rules.map(swprof_unwind_rule.init), at: module.rules)
    lines.write([module], at: first)
    return first
  }
}
