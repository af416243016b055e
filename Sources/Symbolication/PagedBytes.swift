import ELF

/// A part of a file that is read a page at a time, where it is looked at; pages are kept.
struct PagedBytes {
  /// The file offset of the part.
  let start: UInt64
  let size: UInt64
  private let source: ByteSource
  private var pages: [UInt64: [UInt8]] = [:]

  private static let pageSize: UInt64 = 1 << 14
  /// 64 MiB.
  private static let maximumPages = 1 << 12

  /// - Parameter size: cut to the end of the source.
  init(_ source: ByteSource, start: UInt64, size: UInt64) {
    self.source = source
    self.start = start
    self.size = min(size, UInt64(source.size) - min(UInt64(source.size), start))
  }

  mutating func byte(at offset: UInt64) -> UInt8? {
    guard offset < size else { return nil }
    let number = offset / Self.pageSize
    let inPage = Int(offset % Self.pageSize)
    if let page = pages[number] { return inPage < page.count ? page[inPage] : nil }
    let pageStart = number * Self.pageSize
    let limit = Int(min(Self.pageSize, size - pageStart))
    guard let page = try? source.prefix(at: start + pageStart, limit: limit) else { return nil }
    if pages.count >= Self.maximumPages { pages.removeAll(keepingCapacity: true) }
    pages[number] = page
    return inPage < page.count ? page[inPage] : nil
  }

  /// A little-endian integer; nil where the part ends before.
  mutating func integer<Value: FixedWidthInteger>(at offset: UInt64, as type: Value.Type = Value.self) -> Value? {
    var value: Value = 0
    for index in 0..<UInt64(MemoryLayout<Value>.size) {
      let (position, overflow) = offset.addingReportingOverflow(index)
      guard !overflow, let byte = byte(at: position) else { return nil }
      value |= Value(truncatingIfNeeded: byte) << Value(truncatingIfNeeded: index * 8)
    }
    return value
  }

  /// The text up to the next zero byte, cut to a limit; nil for an empty one.
  mutating func text(at offset: UInt64, limit: Int) -> String? {
    var bytes: [UInt8] = []
    while bytes.count < limit {
      let (position, overflow) = offset.addingReportingOverflow(UInt64(bytes.count))
      guard !overflow, let byte = byte(at: position) else { return nil }
      if byte == 0 { break }
      bytes.append(byte)
    }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }
}
