import ELF

/// The entries of an `.eh_frame` section (Linux Standard Base Core 5.0, section 10.6) or of a `.debug_frame` section
/// (DWARF 5, section 6.4.1).
///
/// Every number in it may be a lie. An entry that makes no sense is left out and counted.
struct CallFrameSection {
  /// The two forms that call frame information has in a file.
  enum Form {
    /// `.eh_frame`, which is loaded with the program.
    case loaded
    /// `.debug_frame`, which only debuggers read.
    case debug
  }

  /// What entries have in common.
  struct CommonInformation {
    var codeAlignment: UInt64 = 1
    var dataAlignment: Int64 = 1
    var pointerEncoding: UInt8 = 0
    /// The size of an address, and of the segment selector before it, in bytes.
    var addressSize: UInt8 = 8
    var selectorSize: UInt8 = 0
    var hasAugmentationData = false
    /// Whether its code is a signal handler's return: its caller was interrupted, not calling.
    var isSignalFrame = false
    var instructions = 0..<0
  }

  /// The code of one function, or of a part of it.
  struct Entry {
    /// ELF virtual addresses.
    var start: UInt64
    var end: UInt64
    /// An index into `common`.
    var common: Int
    var instructions: Range<Int>
  }

  let bytes: [UInt8]
  /// The ELF virtual address of the section.
  let address: UInt64
  private(set) var common: [CommonInformation] = []
  private(set) var entries: [Entry] = []
  /// Entries that made no sense.
  private(set) var damagedEntries = 0
  /// Whether reading ended as there are more entries than any program has.
  private(set) var hasTooMany = false
  /// The largest programs known have a million.
  static let maximumEntries = 4 << 20
  /// Indices into `common` by offset in the section; nil for those that made no sense.
  private var commonByOffset: [Int: Int?] = [:]
  /// The bytes of all common information that was read. It does not overlap in an honest file; elsewhere each entry could
  /// have its own, which reaches to the end of the section.
  private var commonBytes: UInt64 = 0
  /// The one that was asked for last: entries of one object file have the same.
  private var lastCommon: (offset: Int, index: Int?)?

  private enum Encoding {
    static let absolute: UInt8 = 0x00
    static let signed4: UInt8 = 0x0B
    static let formatMask: UInt8 = 0x0F
    static let applicationMask: UInt8 = 0x70
    static let relativeToPlace: UInt8 = 0x10
    static let indirect: UInt8 = 0x80
  }

  /// How far the section was read.
  private var position = 0
  private let endsAtZero: Bool
  private let form: Form
  /// The size of an address, in bytes, where an entry does not say it.
  private let addressSize: UInt8

  /// A section of which nothing was read yet.
  ///
  /// - Parameter endsAtZero: whether a length of zero ends it, as for the C runtime; in a section of known size it may
  ///   also end the part that came from one object file.
  init(unread bytes: [UInt8], address: UInt64, endsAtZero: Bool, form: Form = .loaded, addressSize: UInt8 = 8) {
    self.addressSize = addressSize
    self.bytes = bytes
    self.address = address
    self.endsAtZero = endsAtZero
    self.form = form
  }

  /// Reads all entries that make sense.
  init(_ bytes: [UInt8], address: UInt64, form: Form = .loaded) {
    self.init(unread: bytes, address: address, endsAtZero: false, form: form)
    while read(atMost: .max) {}
  }

  /// Reads on.
  ///
  /// - Returns: whether there may be more.
  mutating func read(atMost count: Int) -> Bool {
    for _ in 0..<count {
      guard bytes.count - position >= 4 else { return false }
      guard entries.count < Self.maximumEntries else {
        hasTooMany = true
        return false
      }
      var cursor = ByteCursor(bytes, position..<bytes.count)
      let (length, isWide) = Self.length(&cursor)
      let identifierAt = cursor.position
      if length == 0, !cursor.isExhausted {
        if endsAtZero { return false }
        position = identifierAt
        continue
      }
      guard !cursor.isExhausted, length >= (form == .debug && isWide ? 8 : 4),
        length <= UInt64(bytes.count - identifierAt)
      else {
        damagedEntries += 1
        return false
      }
      let end = identifierAt + Int(length)
      if let common = commonOffset(&cursor, isWide: isWide) { addEntry(cursor.position..<end, commonAt: common) }
      position = end
    }
    return true
  }

  /// The length of an entry without itself, and whether it is written in 64 bits (DWARF 5, section 7.4).
  private static func length(_ cursor: inout ByteCursor) -> (length: UInt64, isWide: Bool) {
    let length = cursor.integer(UInt32.self)
    return length == .max ? (cursor.integer(UInt64.self), true) : (UInt64(length), false)
  }

  /// The offset of the common information that an entry names, with the cursor behind its length; nil for what is
  /// itself common information, and -1 for an offset that no section reaches.
  private func commonOffset(_ cursor: inout ByteCursor, isWide: Bool) -> Int? {
    let place = cursor.position
    switch form {
    case .loaded:
      // Zero marks what entries have in common; anything else is the way back to it.
      let distance = Int(cursor.integer(UInt32.self))
      return distance == 0 ? nil : place - distance
    case .debug:
      // All bits mark what entries have in common; anything else is its offset.
      let offset = isWide ? cursor.integer(UInt64.self) : UInt64(cursor.integer(UInt32.self))
      return offset == (isWide ? .max : UInt64(UInt32.max)) ? nil : Int(exactly: offset) ?? -1
    }
  }

  private mutating func addEntry(_ range: Range<Int>, commonAt offset: Int) {
    guard let common = commonInformation(at: offset) else {
      damagedEntries += 1
      return
    }
    let information = self.common[common]
    var cursor = ByteCursor(bytes, range)
    // x86-64 has no segments; an entry for one describes other code than its address says.
    guard isZero(&cursor, count: information.selectorSize), let start = pointer(&cursor, information),
      let length = number(&cursor, information.pointerEncoding & Encoding.formatMask, information.addressSize)
    else {
      damagedEntries += 1
      return
    }
    if information.hasAugmentationData { cursor.skip(cursor.unsignedLEB()) }
    // Functions that the linker dropped are left at address zero or with no length; in debugging information also at
    // the highest addresses.
    if !cursor.isExhausted, length == 0 || start == 0 || (form == .debug && start >= .max - 1) { return }
    let (end, overflow) = start.addingReportingOverflow(length)
    guard !cursor.isExhausted, !overflow else {
      damagedEntries += 1
      return
    }
    entries.append(Entry(start: start, end: end, common: common, instructions: cursor.position..<cursor.end))
  }

  private mutating func commonInformation(at offset: Int) -> Int? {
    if let lastCommon, lastCommon.offset == offset { return lastCommon.index }
    let index = commonByOffset[offset] ?? addCommonInformation(at: offset)
    lastCommon = (offset, index)
    return index
  }

  private mutating func addCommonInformation(at offset: Int) -> Int? {
    var index: Int?
    if let information = readCommonInformation(at: offset) {
      index = common.count
      common.append(information)
    }
    commonByOffset[offset] = .some(index)
    return index
  }

  private mutating func readCommonInformation(at offset: Int) -> CommonInformation? {
    guard offset >= 0, offset < bytes.count else { return nil }
    var cursor = ByteCursor(bytes, offset..<bytes.count)
    let (length, isWide) = Self.length(&cursor)
    guard !cursor.isExhausted, length <= UInt64(cursor.end - cursor.position) else { return nil }
    commonBytes += length
    guard commonBytes <= UInt64(bytes.count) else { return nil }
    cursor = ByteCursor(bytes, cursor.position..<cursor.position + Int(length))
    guard commonOffset(&cursor, isWide: isWide) == nil, !cursor.isExhausted else { return nil }
    let version = cursor.byte()
    guard [1, 3, 4].contains(version) else { return nil }
    var augmentation: [UInt8] = []
    while augmentation.count < 16, case let letter = cursor.byte(), letter != 0 { augmentation.append(letter) }
    if augmentation.starts(with: "eh".utf8) { cursor.skip(UInt64(addressSize)) }
    var information = CommonInformation()
    information.addressSize = addressSize
    if version == 4 {
      information.addressSize = cursor.byte()
      information.selectorSize = cursor.byte()
      guard [2, 4, 8].contains(information.addressSize), information.selectorSize <= 8 else { return nil }
    }
    information.codeAlignment = cursor.unsignedLEB()
    information.dataAlignment = cursor.signedLEB()
    // The register of the return address; on x86-64 it is always the same.
    let returnAddress = version == 1 ? UInt64(cursor.byte()) : cursor.unsignedLEB()
    guard returnAddress == CallFrameRow.Register.returnAddress else { return nil }
    if augmentation.first == UInt8(ascii: "z") {
      guard read(augmentation.dropFirst(), &cursor, into: &information) else { return nil }
    } else if !augmentation.isEmpty, !augmentation.elementsEqual("eh".utf8) {
      return nil
    }
    guard !cursor.isExhausted else { return nil }
    information.instructions = cursor.position..<cursor.end
    return information
  }

  /// - Returns: whether every letter is known.
  private func read(
    _ augmentation: ArraySlice<UInt8>, _ cursor: inout ByteCursor, into information: inout CommonInformation
  ) -> Bool {
    information.hasAugmentationData = true
    let size = cursor.unsignedLEB()
    guard size <= UInt64(cursor.end - cursor.position) else { return false }
    let end = cursor.position + Int(size)
    for letter in augmentation {
      switch letter {
      case UInt8(ascii: "R"): information.pointerEncoding = cursor.byte()
      case UInt8(ascii: "L"): _ = cursor.byte()
      case UInt8(ascii: "P"):
        let format = cursor.byte() & Encoding.formatMask
        guard number(&cursor, format, information.addressSize) != nil else { return false }
      case UInt8(ascii: "S"): information.isSignalFrame = true
      // Pointer authentication, which x86-64 has not.
      case UInt8(ascii: "B"): break
      default: return false
      }
    }
    guard cursor.position <= end else { return false }
    cursor.skip(UInt64(end - cursor.position))
    return true
  }

  /// A pointer to code; nil where it is one that only a running program can follow.
  func pointer(_ cursor: inout ByteCursor, _ common: CommonInformation) -> UInt64? {
    let place = address &+ UInt64(cursor.position)
    let encoding = common.pointerEncoding
    guard encoding & Encoding.indirect == 0,
      let value = number(&cursor, encoding & Encoding.formatMask, common.addressSize)
    else { return nil }
    switch encoding & Encoding.applicationMask {
    case 0: return value
    case Encoding.relativeToPlace: return place &+ value
    default: return nil
    }
  }

  /// Whether some bytes are all zero.
  private func isZero(_ cursor: inout ByteCursor, count: UInt8) -> Bool {
    var bits: UInt8 = 0
    for _ in 0..<count { bits |= cursor.byte() }
    return bits == 0
  }

  private func number(_ cursor: inout ByteCursor, _ format: UInt8, _ addressSize: UInt8) -> UInt64? {
    switch format {
    case Encoding.signed4: UInt64(bitPattern: Int64(cursor.integer(Int32.self)))
    case Encoding.absolute:
      switch addressSize {
      case 2: UInt64(cursor.integer(UInt16.self))
      case 4: UInt64(cursor.integer(UInt32.self))
      default: cursor.integer(UInt64.self)
      }
    case 0x04, 0x0C: cursor.integer(UInt64.self)
    case 0x01: cursor.unsignedLEB()
    case 0x02: UInt64(cursor.integer(UInt16.self))
    case 0x03: UInt64(cursor.integer(UInt32.self))
    case 0x09: UInt64(bitPattern: cursor.signedLEB())
    case 0x0A: UInt64(bitPattern: Int64(cursor.integer(Int16.self)))
    default: nil
    }
  }
}
