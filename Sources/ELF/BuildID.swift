/// The GNU build id of an ELF file, by which a file and its debug file know each other.
package enum BuildID {
  private static let maximumNotesSize = 1 << 16
  private static let maximumNotes = 64
  /// `NT_GNU_BUILD_ID` (elf(5), "Notes").
  private static let type: UInt32 = 3
  /// Linkers write 8, 16 or 20 bytes; `--build-id=0x...` takes any number.
  private static let sizes = 2...64

  /// The build id in hexadecimal digits, or nil. Unreadable notes count as none.
  ///
  /// Sections are asked first: in a separate debug file the segments' offsets are those of the file it was made from.
  package static func find(in file: ELFFile, sections: [ELFFile.Section]) -> String? {
    let places =
      sections.lazy.filter { $0.type == ELFFile.SectionType.notes }.map { ($0.fileOffset, $0.size) }
      + file.notes.lazy.map { ($0.fileOffset, $0.fileSize) }
    for (offset, size) in places.prefix(maximumNotes) {
      let limit = Int(min(size, UInt64(maximumNotesSize)))
      guard let bytes = try? file.source.prefix(at: offset, limit: limit) else { continue }
      if let identifier = find(inNotes: bytes) { return identifier }
    }
    return nil
  }

  /// Walks notes: three 32-bit numbers (name size, description size, type), then both, each padded to 4 bytes.
  private static func find(inNotes bytes: [UInt8]) -> String? {
    var position = 0
    while position + 12 <= bytes.count {
      let nameSize = Int(bytes.integer(at: position, as: UInt32.self))
      let size = Int(bytes.integer(at: position + 4, as: UInt32.self))
      let name = position + 12
      let description = name + (nameSize + 3) & ~3
      guard description + size <= bytes.count else { return nil }
      if bytes.integer(at: position + 8, as: UInt32.self) == type, nameSize == 4, sizes.contains(size),
        bytes[name..<name + 4].elementsEqual([0x47, 0x4E, 0x55, 0])
      {
        return hexadecimal(bytes[description..<description + size])
      }
      position = description + (size + 3) & ~3
    }
    return nil
  }

  private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
    bytes.reduce(into: "") { text, byte in
      if byte < 16 { text += "0" }
      text += String(byte, radix: 16)
    }
  }
}
