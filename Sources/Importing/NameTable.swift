import Glibc

/// Numbers for byte strings, in the order in which they first come.
struct NameTable {
  /// All names, one behind the other.
  private var bytes: [UInt8] = []
  /// Where each name ends in `bytes`.
  private var ends: [Int] = []
  /// Name numbers by hash, open addressing; -1 is free. The count is a power of two, at least twice that of names.
  private var slots = [Int32](repeating: -1, count: 1 << 10)
  /// The hash of each name, which settles most comparisons.
  private var hashes: [UInt64] = []
  /// Where hashes start: names come from files of others, who could choose those that meet in one slot.
  private let seed = UInt64.random(in: .min ... .max)

  var count: Int { ends.count }

  subscript(number: Int) -> String {
    String(decoding: bytes[(number == 0 ? 0 : ends[number - 1])..<ends[number]], as: UTF8.self)
  }

  /// The number of a name that has one.
  func find(_ name: UnsafeRawBufferPointer) -> Int32? {
    let number = slots[unsafe slot(of: name, hash: hash(name))]
    return number < 0 ? nil : number
  }

  /// The number of a name, the next one for one that is new.
  mutating func number(of name: UnsafeRawBufferPointer) -> Int32 {
    let hash = unsafe hash(name)
    let slot = unsafe slot(of: name, hash: hash)
    if slots[slot] >= 0 { return slots[slot] }
    let number = Int32(ends.count)
    unsafe bytes.append(contentsOf: name)
    ends.append(bytes.count)
    hashes.append(hash)
    slots[slot] = number
    if ends.count * 2 > slots.count { grow() }
    return number
  }

  /// Where a name's number stands, or would.
  @inline(__always) private func slot(of name: UnsafeRawBufferPointer, hash: UInt64) -> Int {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] >= 0 {
      let number = Int(slots[slot])
      if hashes[number] == hash, unsafe isEqual(number, name) { break }
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }

  private func isEqual(_ number: Int, _ name: UnsafeRawBufferPointer) -> Bool {
    let start = number == 0 ? 0 : ends[number - 1]
    guard ends[number] - start == name.count else { return false }
    guard name.count > 0 else { return true }
    return unsafe bytes.withUnsafeBytes { bytes in
      guard let left = bytes.baseAddress, let right = name.baseAddress else { return false }
      return unsafe memcmp(left + start, right, name.count) == 0
    }
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 2)
    for (number, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(number)
    }
  }

  /// Eight bytes at a time, multiplied and folded: names are short.
  private func hash(_ name: UnsafeRawBufferPointer) -> UInt64 {
    var hash = seed ^ UInt64(truncatingIfNeeded: name.count) &* 0x9E37_79B9_7F4A_7C15
    var offset = 0
    while offset + 8 <= name.count {
      unsafe Self.mix(&hash, name.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset += 8
    }
    var rest: UInt64 = 0
    while offset < name.count {
      rest = unsafe rest << 8 | UInt64(name[offset])
      offset += 1
    }
    Self.mix(&hash, rest)
    return hash ^ hash >> 29
  }

  private static func mix(_ hash: inout UInt64, _ word: UInt64) {
    let product = (hash ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    hash = product.high ^ product.low
  }
}
