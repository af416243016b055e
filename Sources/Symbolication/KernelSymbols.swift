import LinuxSystem

/// The names of kernel addresses, found in one pass over /proc/kallsyms (kernel/kallsyms.c; it is not sorted).
struct KernelSymbols {
  struct Symbol: Equatable {
    let name: String
    let address: UInt64
    /// The kernel module it belongs to; `bpf` for BPF programs; nil for the kernel proper.
    let module: String?
  }

  private struct Slot {
    /// The best symbol that starts after the previous wanted address and not after this one.
    var symbol: Symbol?
    var rank: UInt8 = 0
  }

  private let wanted: WantedAddresses
  private var slots: [Slot]
  /// Whether there were symbols and all had the address 0, which is how the kernel hides them.
  private(set) var isHidden = false

  /// kallsyms tells no sizes. No kernel function is nearly as long; what is farther away is some other code.
  private static let maximumDistance: UInt64 = 1 << 20
  /// Labels behind the last function of a section, not functions.
  private static let endMarkers: Set<String> = [
    "_etext", "_einittext", "__entry_text_end", "__irqentry_text_end", "__softirqentry_text_end", "__kprobes_text_end",
    "__sched_text_end", "__lock_text_end", "__cpuidle_text_end", "__noinstr_text_end", "__ctors_end",
  ]
  /// A kernel with every module loaded has about 20 MB of symbols.
  private static let maximumSize = 256 << 20

  init(_ wanted: WantedAddresses) {
    self.wanted = wanted
    self.slots = Array(repeating: Slot(), count: wanted.count)
  }

  /// Reads `/proc/kallsyms` or a file of its form.
  mutating func read(_ path: String) throws(Errno) {
    let file = try OpenFile(path)
    var scan = Scan()
    _ = try LineReader.forEachLine(of: file, limit: Self.maximumSize) { line in
      note(line, &scan)
      return true
    }
    isHidden = scan.isHidden
  }

  /// Reads text in memory.
  mutating func read(_ bytes: [UInt8]) {
    var scan = Scan()
    _ = LineReader.forEachLine(of: bytes) { line in
      note(line, &scan)
      return true
    }
    isHidden = scan.isHidden
  }

  /// The symbol of each wanted address, in their order; nil where there is none.
  func symbols() -> [Symbol?] {
    var latest: Symbol?
    return zip(wanted.sorted, slots).map { address, slot in
      if let symbol = slot.symbol { latest = symbol }
      guard let latest, address - latest.address < Self.maximumDistance, !Self.endMarkers.contains(latest.name) else {
        return nil
      }
      return latest
    }
  }

  private struct Scan {
    var hasSymbols = false
    var hasAddresses = false

    var isHidden: Bool { hasSymbols && !hasAddresses }
  }

  /// `address type name` and for modules a tab and `[module]`.
  private mutating func note(_ line: Span<UInt8>, _ scan: inout Scan) {
    var position = 0
    guard let address = line.hexadecimal(&position), position + 3 < line.count, line[position] == 0x20,
      line[position + 2] == 0x20
    else { return }
    scan.hasSymbols = true
    guard address != 0, let rank = Self.rank(line[position + 1]) else { return }
    scan.hasAddresses = true
    let slot = wanted.firstIndex(notBelow: address)
    guard slot < slots.count else { return }
    if let current = slots[slot].symbol, current.address > address { return }
    note(Self.symbol(line, from: position + 3, address: address), rank, slot)
  }

  private mutating func note(_ symbol: Symbol, _ rank: UInt8, _ slot: Int) {
    if let current = slots[slot].symbol, current.address == symbol.address {
      if slots[slot].rank > rank { return }
      if slots[slot].rank == rank, !NamePreference.isBetter(symbol.name, than: current.name) { return }
    }
    slots[slot].symbol = symbol
    slots[slot].rank = rank
  }

  /// Text symbols only (nm(1)): global before weak before local.
  private static func rank(_ type: UInt8) -> UInt8? {
    switch type {
    case UInt8(ascii: "T"): 2
    case UInt8(ascii: "W"), UInt8(ascii: "w"): 1
    case UInt8(ascii: "t"): 0
    default: nil
    }
  }

  private static func symbol(_ line: Span<UInt8>, from start: Int, address: UInt64) -> Symbol {
    var end = start
    while end < line.count, line[end] != 0x09, line[end] != 0x20 { end += 1 }
    var module: String?
    if end + 2 < line.count, line[end + 1] == UInt8(ascii: "["), line[line.count - 1] == UInt8(ascii: "]") {
      module = line.text(end + 2..<line.count - 1)
    }
    return Symbol(name: line.text(start..<end), address: address, module: module)
  }
}

extension KernelSymbols.Symbol {
  /// What the kernel says of an address: `name+0x10/0x40`, `name+0x10/0x40 [module]`; nil for a number, which it says
  /// where it knows no name (`%pS` of Documentation/core-api/printk-formats.rst).
  init?(text: String, of address: UInt64) {
    // A name may have signs of its own, an offset is the last.
    let parts = text.split(separator: " ", maxSplits: 1)
    guard let place = parts.first, let plus = place.lastIndex(of: "+"), plus > place.startIndex else { return nil }
    let numbers = place[place.index(after: plus)...].split(separator: "/", omittingEmptySubsequences: false)
    guard numbers.count == 2, numbers.allSatisfy({ $0.hasPrefix("0x") }),
      let offset = UInt64(numbers[0].dropFirst(2), radix: 16), offset <= address
    else { return nil }
    name = String(place[..<plus])
    self.address = address - offset
    if parts.count == 2, parts[1].hasPrefix("["), parts[1].hasSuffix("]") {
      module = String(parts[1].dropFirst().dropLast())
    } else {
      // The kernel's table tells this module of BPF programs, their texts do not.
      module = name.hasPrefix("bpf_prog_") || name.hasPrefix("bpf_trampoline_") ? "bpf" : nil
    }
  }
}
