/// Runs the instructions of an entry and tells its rows (DWARF 5, section 6.4.2).
struct CallFrameProgram {
  private let section: CallFrameSection
  /// The row with which the entries of each common information begin.
  private let initialRows: [CallFrameRow?]
  /// Rows kept for `restore_state`; no compiler nests as deep.
  private static let maximumDepth = 64

  init(_ section: CallFrameSection) {
    self.section = section
    initialRows = section.common.map { Self.initialRow($0, section) }
  }

  /// Calls `emit` with each row and the address that it begins at, in ascending order; what follows an instruction that
  /// makes no sense is an unsupported rule.
  ///
  /// - Returns: whether all instructions made sense.
  func run(_ entry: CallFrameSection.Entry, _ emit: (UInt64, CallFrameRow?) -> Void) -> Bool {
    guard let initial = initialRows[entry.common] else {
      emit(entry.start, nil)
      return false
    }
    var row = initial
    var address = entry.start
    let isWhole = Self.run(
      entry.instructions, section, common: section.common[entry.common], initial: initial, row: &row,
      address: &address, emit)
    emit(address, isWhole ? row : nil)
    return isWhole
  }

  /// Nil for common information whose instructions make no sense.
  private static func initialRow(
    _ common: CallFrameSection.CommonInformation, _ section: CallFrameSection
  ) -> CallFrameRow? {
    var row = CallFrameRow()
    var address: UInt64 = 0
    let isWhole = run(
      common.instructions, section, common: common, initial: row, row: &row, address: &address
    ) { _, _ in }
    return isWhole ? row : nil
  }

  private static func run(
    _ instructions: Range<Int>, _ section: CallFrameSection, common: CallFrameSection.CommonInformation,
    initial: CallFrameRow,
    row: inout CallFrameRow, address: inout UInt64, _ emit: (UInt64, CallFrameRow?) -> Void
  ) -> Bool {
    var cursor = ByteCursor(section.bytes, instructions)
    var kept: [CallFrameRow] = []
    while !cursor.isAtEnd {
      let instruction = cursor.byte()
      let operand = UInt64(instruction & 0x3F)
      var advance: UInt64?
      switch instruction >> 6 {
      case 1: advance = operand
      case 2: row.set(operand, to: .offset(Self.scaled(cursor.unsignedLEB(), common)))
      case 3: row.restore(operand, from: initial)
      default:
        switch instruction {
        case 0x01:  // set_loc
          guard let target = section.pointer(&cursor, common), target >= address else { return false }
          emit(address, row)
          address = target
        case 0x02: advance = UInt64(cursor.byte())
        case 0x03: advance = UInt64(cursor.integer(UInt16.self))
        case 0x04: advance = UInt64(cursor.integer(UInt32.self))
        case 0x0A:  // remember_state
          guard kept.count < Self.maximumDepth else { return false }
          kept.append(row)
        case 0x0B:  // restore_state
          guard let last = kept.popLast() else { return false }
          row = last
        default:
          guard apply(instruction, &cursor, common, initial, &row) else { return false }
        }
      }
      if cursor.isExhausted { return false }
      if let advance, advance > 0 {
        emit(address, row)
        let (distance, tooFar) = advance.multipliedReportingOverflow(by: common.codeAlignment)
        let (next, overflow) = address.addingReportingOverflow(distance)
        guard !tooFar, !overflow else { return false }
        address = next
      }
    }
    return true
  }

  /// The instructions that change the row alone.
  ///
  /// - Returns: whether it is one.
  private static func apply(
    _ instruction: UInt8, _ cursor: inout ByteCursor, _ common: CallFrameSection.CommonInformation,
    _ initial: CallFrameRow, _ row: inout CallFrameRow
  ) -> Bool {
    switch instruction {
    case 0x00: break
    case 0x05: row.set(cursor.unsignedLEB(), to: .offset(Self.scaled(cursor.unsignedLEB(), common)))
    case 0x06: row.restore(cursor.unsignedLEB(), from: initial)
    case 0x07: row.set(cursor.unsignedLEB(), to: .undefined)
    case 0x08: row.set(cursor.unsignedLEB(), to: .same)
    case 0x09: row.set(cursor.unsignedLEB(), to: .register(cursor.unsignedLEB()))
    case 0x0C:
      row.frameAddress = .register(cursor.unsignedLEB(), offset: Int64(truncatingIfNeeded: cursor.unsignedLEB()))
    case 0x0D:
      guard case .register(_, let offset) = row.frameAddress else { return false }
      row.frameAddress = .register(cursor.unsignedLEB(), offset: offset)
    case 0x0E:
      guard case .register(let register, _) = row.frameAddress else { return false }
      row.frameAddress = .register(register, offset: Int64(truncatingIfNeeded: cursor.unsignedLEB()))
    case 0x0F: row.frameAddress = .expression(Self.block(&cursor))
    case 0x10: row.set(cursor.unsignedLEB(), to: .expression(Self.block(&cursor)))
    case 0x11: row.set(cursor.unsignedLEB(), to: .offset(cursor.signedLEB() &* common.dataAlignment))
    case 0x12:
      row.frameAddress = .register(cursor.unsignedLEB(), offset: cursor.signedLEB() &* common.dataAlignment)
    case 0x13:
      guard case .register(let register, _) = row.frameAddress else { return false }
      row.frameAddress = .register(register, offset: cursor.signedLEB() &* common.dataAlignment)
    case 0x14: row.set(cursor.unsignedLEB(), to: .valueOffset(Self.scaled(cursor.unsignedLEB(), common)))
    case 0x15: row.set(cursor.unsignedLEB(), to: .valueOffset(cursor.signedLEB() &* common.dataAlignment))
    case 0x16:
      let register = cursor.unsignedLEB()
      _ = Self.block(&cursor)
      row.set(register, to: .valueExpression)
    case 0x2E: _ = cursor.unsignedLEB()  // GNU_args_size
    case 0x2F:  // GNU_negative_offset_extended
      row.set(cursor.unsignedLEB(), to: .offset(0 &- Self.scaled(cursor.unsignedLEB(), common)))
    default: return false
    }
    return true
  }

  private static func scaled(_ value: UInt64, _ common: CallFrameSection.CommonInformation) -> Int64 {
    Int64(truncatingIfNeeded: value) &* common.dataAlignment
  }

  /// An expression: its size, then its bytes.
  private static func block(_ cursor: inout ByteCursor) -> Range<Int> {
    let size = cursor.unsignedLEB()
    let start = cursor.position
    cursor.skip(size)
    return start..<cursor.position
  }
}
