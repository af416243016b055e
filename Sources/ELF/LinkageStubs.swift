/// The stubs of one section of the procedure linkage table of an x86-64 file: through them, code calls other libraries
/// (System V ABI, AMD64 supplement, "Procedure Linkage Table").
///
/// Everything is read from the code: linkers lay stubs out in different ways, and some say nothing of them in the call
/// frame information.
package struct LinkageStubs {
  /// What tells the function that a stub calls.
  package enum Callee: Equatable, Sendable {
    /// The address of the slot of the global offset table that the stub reads.
    case slot(UInt64)
    /// The index of the relocation in `.rela.plt` that fills the slot.
    case relocation(UInt32)
  }

  /// From an address on, the stack holds `depth` bytes from the stack pointer to the caller's frame; nil for code that is
  /// no stub.
  package struct Row: Equatable, Sendable {
    package let address: UInt64
    package let depth: Int32?
  }

  /// Instructions from one that is jumped to, up to one that always leaves.
  fileprivate struct Block {
    let start: UInt64
    var end: UInt64
    /// Where the stack has grown, by ascending address.
    var pushes: [UInt64] = []
    /// Where it goes in the same section, and how much the stack has grown by then.
    var exits: [(target: UInt64, growth: Int32)] = []
    var slot: UInt64?
    var number: UInt32?
  }

  /// By ascending address.
  private var blocks: [Block] = []
  /// The parts of the section that hold other code, by ascending address.
  private var unknown: [Range<UInt64>] = []
  private let start: UInt64
  private let end: UInt64

  package static let sectionNames = [".plt", ".plt.got", ".plt.sec", ".plt.bnd", ".iplt"]
  /// A quarter of a million stubs.
  private static let maximumSize = 4 << 20
  /// Stubs of more than 8 bytes begin at multiples of it.
  private static let alignment: UInt64 = 16
  /// A return address.
  private static let initialDepth: Int32 = 8
  /// How often depths are handed on along jumps: a stub jumps to the first one, which calls a part of itself.
  private static let maximumRounds = 3

  /// Decodes a section; nil where the file has no bytes of it in its code.
  package init?(_ section: ELFFile.Section, of file: ELFFile) throws(ELFError) {
    let programData: UInt32 = 1
    guard file.machine == ELFFile.Machine.x86, section.type == programData, section.size > 0,
      !section.virtualAddress.addingReportingOverflow(section.size).overflow,
      file.loads.contains(where: { $0.isExecutable && $0.holds(section) })
    else { return nil }
    let bytes = try file.source.bytes(
      at: section.fileOffset, count: section.size, of: .linkageStubs, limit: Self.maximumSize)
    self.init(bytes, at: section.virtualAddress)
  }

  /// - Parameter address: of the first byte; that behind the last one does not overflow.
  package init(_ bytes: [UInt8], at address: UInt64) {
    start = address
    end = address &+ UInt64(bytes.count)
    decode(bytes)
  }

  package func contains(_ address: UInt64) -> Bool { address >= start && address < end }

  private mutating func decode(_ bytes: [UInt8]) {
    var offset = 0
    var block: Block?
    while offset < bytes.count {
      let address = start &+ UInt64(offset)
      guard let instruction = LinkageInstruction(bytes, at: offset, address: address) else {
        // Up to where the next stub may begin.
        let next = min(offset + Int(Self.alignment) - offset % Int(Self.alignment), bytes.count)
        if let block { blocks.append(block) }
        block = nil
        unknown.append(address..<start &+ UInt64(next))
        offset = next
        continue
      }
      offset += instruction.length
      if block == nil, instruction.effect == .padding { continue }
      var current = block ?? Block(start: address, end: address)
      current.end = start &+ UInt64(offset)
      let isLast = current.take(instruction.effect)
      if isLast { blocks.append(current) }
      block = isLast ? nil : current
    }
    if let block { blocks.append(block) }
  }

  /// What a stub calls; nil for an address that is in none, or in the one that all others share.
  package func callee(ofStubAt address: UInt64) -> Callee? {
    var low = 0
    var high = blocks.count
    while low < high {
      let middle = (low + high) / 2
      if blocks[middle].start <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, address < blocks[low - 1].end else { return nil }
    let block = blocks[low - 1]
    if let slot = block.slot { return .slot(slot) }
    guard let number = block.number else { return nil }
    if (block.start - start) % Self.alignment == 0 { return .relocation(number) }
    // The second half of a stub, which is jumped to through the slot until the function is found.
    guard low > 1, let slot = blocks[low - 2].slot, blocks[low - 2].end == block.start else { return nil }
    return .slot(slot)
  }

  /// How the stack stands, by ascending address; the last row is behind the section.
  package var rows: [Row] {
    let depths = entryDepths()
    var rows: [Row] = unknown.map { Row(address: $0.lowerBound, depth: nil) }
    for block in blocks {
      var depth = depths[block.start] ?? Self.initialDepth
      rows.append(Row(address: block.start, depth: depth))
      for push in block.pushes {
        depth += 8
        rows.append(Row(address: push, depth: depth))
      }
    }
    rows.append(Row(address: end, depth: nil))
    // Of two at one address, the one that says nothing holds.
    return rows.sorted { ($0.address, $0.depth == nil ? 1 : 0) < ($1.address, $1.depth == nil ? 1 : 0) }
  }

  /// The depth at the start of each block that is jumped to or called from others: the least of several, as the one
  /// that all stubs share also calls itself.
  private func entryDepths() -> [UInt64: Int32] {
    var depths: [UInt64: Int32] = [:]
    let starts = Set(blocks.map(\.start))
    for _ in 0..<Self.maximumRounds {
      var next: [UInt64: Int32] = [:]
      for block in blocks {
        let depth = depths[block.start] ?? Self.initialDepth
        for exit in block.exits where starts.contains(exit.target) {
          next[exit.target] = min(next[exit.target] ?? .max, depth + exit.growth)
        }
      }
      if next == depths { break }
      depths = next
    }
    return depths
  }
}

extension LinkageStubs.Block {
  private var growth: Int32 { Int32(pushes.count) * 8 }

  /// Notes what an instruction does, with `end` behind it.
  ///
  /// - Returns: whether it is the last one of the block.
  fileprivate mutating func take(_ effect: LinkageInstruction.Effect) -> Bool {
    switch effect {
    case .plain, .padding: return false
    case .push:
      pushes.append(end)
      return false
    case .pushNumber(let number):
      self.number = number
      pushes.append(end)
      return false
    case .load(let slot):
      self.slot = slot
      return false
    case .call(let target):
      exits.append((target, growth + 8))
      return false
    case .jump(let target):
      exits.append((target, growth))
      return true
    case .jumpThrough(let slot):
      self.slot = self.slot ?? slot
      return true
    case .leave: return true
    }
  }
}

extension ELFFile.Segment {
  /// Whether a section is mapped as a part of the segment.
  fileprivate func holds(_ section: ELFFile.Section) -> Bool {
    guard section.virtualAddress >= virtualAddress, section.fileOffset >= fileOffset else { return false }
    let inside = section.virtualAddress - virtualAddress
    return inside == section.fileOffset - fileOffset && inside <= fileSize && section.size <= fileSize - inside
  }
}
