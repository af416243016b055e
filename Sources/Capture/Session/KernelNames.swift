import BPF
import CProbes

/// What the kernel itself calls its addresses. Asking it for some is quicker than reading its whole symbol table.
package enum KernelNames {
  private static let atOnce = Int(SWPROF_NAMES_AT_ONCE)

  /// The kernel's texts for addresses, one each: `name+0x10/0x40`, `name+0x10/0x40 [module]`, or a number
  /// (`%pS` of Documentation/core-api/printk-formats.rst).
  ///
  /// - Returns: nil where the kernel does not load the program (before 5.14, or without the privileges).
  package static func texts(of addresses: [UInt64]) -> [String]? {
    guard let object = try? loaded(), let names = try? object.map(named: NamesMap.names) else { return nil }
    var texts: [String] = []
    texts.reserveCapacity(addresses.count)
    for start in stride(from: 0, to: addresses.count, by: atOnce) {
      let part = addresses[start..<min(start + atOnce, addresses.count)]
      guard let found = try? ask(object, names, part) else { return nil }
      texts += found
    }
    return texts
  }

  private static func loaded() throws -> BPFObject {
    let image = ProgramImage.names
    let object = try image.open()
    try object.load()
    return object
  }

  private static func ask(
    _ object: borrowing BPFObject, _ names: BPFMap, _ addresses: ArraySlice<UInt64>
  ) throws -> [String] {
    var bytes = [UInt8](repeating: 0, count: MemoryLayout<swprof_names>.size)
    func put(_ value: UInt64, at place: Int) {
      for index in 0..<8 { bytes[place * 8 + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }
    put(UInt64(addresses.count), at: 0)
    for (index, address) in addresses.enumerated() { put(address, at: 1 + index) }
    try names.update(key: UInt32(0), bytes: bytes)
    try object.run(NamesProgram.nameAddresses)
    guard let written = names.bytes(forKey: UInt32(0)) else { return [] }
    return addresses.indices.map { index in
      let start = 8 * (1 + atOnce) + (index - addresses.startIndex) * Int(SWPROF_NAME_SIZE)
      return String(decoding: written[start...].prefix(Int(SWPROF_NAME_SIZE)).prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
