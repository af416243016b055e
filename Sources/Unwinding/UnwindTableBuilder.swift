/// Puts rows, which come in ascending order, into an `UnwindTable`.
struct UnwindTableBuilder {
  private let firstPage: UInt64
  private var pages: [UnwindTable.Page] = []
  private var rows: [UInt32] = [0]
  private var rules: [UnwindRule] = [.gap, .unsupported]
  private var indices: [UnwindRule: UInt32] = [.gap: 0, .unsupported: 1]
  private var lastAddress: UInt64?
  private var lastRule: UInt32 = 0
  /// The rule before the last row: what holds again when that row is replaced.
  private var ruleBeforeLast: UInt32 = 0
  /// Rules met lately, found without hashing a whole rule.
  private var recent = [(row: CallFrameRow, rule: UInt32)?](repeating: nil, count: 256)

  static let gap: UInt32 = 0
  static let unsupported: UInt32 = 1
  private static let maximumRows = 16 << 20

  /// - Parameter start: the lowest address that a row will have.
  init(from start: UInt64) {
    firstPage = start & ~(UnwindTable.pageSize - 1)
  }

  var isFull: Bool { rows.count >= Self.maximumRows }

  /// The number of the rule that a row stands for.
  mutating func rule(_ row: CallFrameRow, in bytes: [UInt8]) -> UInt32 {
    let slot = Self.slot(row)
    if let known = recent[slot], known.row == row { return known.rule }
    let number = number(of: row.rule(in: bytes))
    recent[slot] = (row, number)
    return number
  }

  mutating func number(of rule: UnwindRule) -> UInt32 {
    if let known = indices[rule] { return known }
    guard rules.count < UnwindTable.maximumRules else { return Self.unsupported }
    let number = UInt32(rules.count)
    rules.append(rule)
    indices[rule] = number
    return number
  }

  /// Says that a rule holds from an address on; the address must not be below that of the last call.
  mutating func add(_ rule: UInt32, at address: UInt64) {
    if address == lastAddress {
      rows.removeLast()
      pages[pages.count - 1].count -= 1
      lastRule = ruleBeforeLast
      lastAddress = nil
    }
    guard rule != lastRule else { return }
    let page = Int((address - firstPage) >> UInt64(UnwindTable.pageBits))
    while pages.count <= page { pages.append(UnwindTable.Page(first: UInt32(rows.count), count: 0)) }
    pages[page].count += 1
    rows.append(UInt32(address & (UnwindTable.pageSize - 1)) << UInt32(UnwindTable.ruleBits) | rule)
    ruleBeforeLast = lastRule
    lastRule = rule
    lastAddress = address
  }

  consuming func table(damagedEntries: Int) -> UnwindTable {
    UnwindTable(firstPage: firstPage, pages: pages, rows: rows, rules: rules, damagedEntries: damagedEntries)
  }

  private static func slot(_ row: CallFrameRow) -> Int {
    var hash: UInt64 = 0
    if case .register(let register, let offset) = row.frameAddress {
      hash = register &* 31 &+ UInt64(bitPattern: offset)
    }
    if case .offset(let offset) = row.rbp { hash = hash &* 31 &+ UInt64(bitPattern: offset) }
    hash ^= UInt64(row.kept.places) &* 0x9E37_79B1 >> 20
    return Int((hash ^ hash >> 8) & 255)
  }
}
