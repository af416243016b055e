import ELF

/// The 64-bit words of a file's data, as they are once the file was loaded at the addresses that it is linked for.
///
/// In a position-independent program the relocations hold the pointers; the file may have zeros in their place.
struct LoadedWords {
  private let file: ELFFile
  /// The pointers that the loader puts into the file's data, by their place.
  private let relocations: [ELFFile.Section]

  private static let entrySize: UInt64 = 24
  private static let chunkSize: UInt64 = 2_730 * 24
  /// Eleven million relocations.
  private static let maximumSize: UInt64 = 256 << 20
  private static let maximumFound = 16

  init(_ file: ELFFile, _ sections: [ELFFile.Section]) {
    self.file = file
    relocations = sections.filter { $0.type == ELFFile.SectionType.relocations }
  }

  /// Some words from an address on; nil where the file does not have them all.
  func words(at address: UInt64, count: Int, _ meter: inout NamingMeter) -> [UInt64]? {
    let size = UInt64(count) * 8
    guard let place = file.fileRange(from: address), place.size >= size,
      let bytes = try? file.source.prefix(at: place.offset, limit: Int(size)), bytes.count == Int(size)
    else { return nil }
    var words: [UInt64] = (0..<count).map { bytes.integer(at: 8 * $0) }
    visitRelative(&meter) { target, value in
      if target >= address, target - address < size, (target - address) % 8 == 0 {
        words[Int((target - address) / 8)] = value
      }
      return true
    }
    return words
  }

  /// The addresses at which the file's data holds a pointer: at first as the relocations say it.
  ///
  /// - Parameter ranges: the file offsets and addresses that are searched where no relocation holds the pointer.
  func places(of pointer: UInt64, in ranges: [ELFFile.Segment], _ meter: inout NamingMeter) -> [UInt64] {
    var found: [UInt64] = []
    visitRelative(&meter) { target, value in
      if value == pointer { found.append(target) }
      return found.count < Self.maximumFound
    }
    for range in ranges where found.count < Self.maximumFound {
      WordScan.visit(file.source, range.fileOffset, size: range.fileSize, &meter) { word, offset in
        if word == pointer { found.append(range.virtualAddress &+ offset) }
        return found.count < Self.maximumFound
      }
    }
    return found
  }

  /// Calls `body` with the place and the value of each pointer that is relative to where the file is loaded.
  private func visitRelative(_ meter: inout NamingMeter, _ body: (UInt64, UInt64) -> Bool) {
    let type: UInt64? =
      switch file.machine {
      case ELFFile.Machine.x86: 8  // R_X86_64_RELATIVE
      case 183: 1027  // R_AARCH64_RELATIVE
      default: nil
      }
    guard let type else { return }
    for section in relocations {
      var offset: UInt64 = 0
      let size = min(section.size, Self.maximumSize) / Self.entrySize * Self.entrySize
      while offset < size {
        let (start, overflow) = section.fileOffset.addingReportingOverflow(offset)
        guard !overflow, meter.spend(16),
          let chunk = try? file.source.prefix(at: start, limit: Int(min(Self.chunkSize, size - offset))),
          chunk.count >= Int(Self.entrySize)
        else { return }
        for position in stride(from: 0, through: chunk.count - Int(Self.entrySize), by: Int(Self.entrySize))
        where chunk.integer(at: position + 8, as: UInt64.self) == type {
          guard body(chunk.integer(at: position), chunk.integer(at: position + 16)) else { return }
        }
        offset += Self.chunkSize
      }
    }
  }
}

/// A search through the words of a file.
enum WordScan {
  private static let chunkSize: UInt64 = 1 << 18
  static let maximumSize: UInt64 = 512 << 20

  /// Calls `body` with each word of a range and where it stands in the range, until it returns false.
  static func visit(
    _ source: ByteSource, _ start: UInt64, size: UInt64, _ meter: inout NamingMeter, _ body: (UInt64, UInt64) -> Bool
  ) {
    var offset: UInt64 = 0
    let size = min(size, maximumSize)
    while offset < size {
      let (position, overflow) = start.addingReportingOverflow(offset)
      guard !overflow, meter.spend(16),
        let chunk = try? source.prefix(at: position, limit: Int(min(chunkSize, size - offset))), chunk.count >= 8
      else { return }
      for index in stride(from: 0, through: chunk.count - 8, by: 8) {
        guard body(chunk.integer(at: index), offset + UInt64(index)) else { return }
      }
      offset += chunkSize
    }
  }
}
