import LinuxSystem
import ProfileModel

/// Reads the values of options; the parser tells the reason behind one that cannot be read.
enum OptionReading {
  @Sendable static func duration(_ text: String) throws(UnreadableOption) -> TimeLength {
    let length = try time(text)
    guard length.nanoseconds > 0 else { throw UnreadableOption("give more than 0") }
    return length
  }

  /// Of a wait, which may be zero.
  @Sendable static func time(_ text: String) throws(UnreadableOption) -> TimeLength {
    do { return try TimeLength(reading: text) } catch { throw UnreadableOption(error, TimeLength.examples) }
  }

  @Sendable static func pattern(_ text: String) throws(UnreadableOption) -> TextPattern {
    do { return try TextPattern(reading: text) } catch { throw UnreadableOption(error, nil) }
  }

  /// The size of a ring buffer, where a number without a unit counts bytes.
  @Sendable static func ringBuffer(_ text: String) throws(UnreadableOption) -> UInt32 {
    let bytes: Int64
    if let plain = Int64(text) {
      bytes = plain
    } else {
      do { bytes = try ByteSize(reading: text).bytes } catch { throw UnreadableOption(error, ByteSize.examples) }
    }
    guard bytes >= Int64(Host.pageSize), bytes & (bytes - 1) == 0, bytes <= 1 << 30 else {
      throw UnreadableOption("give a power of two from \(Host.pageSize) bytes to 1 GiB")
    }
    return UInt32(bytes)
  }
}

/// Why the value of an option cannot be read.
struct UnreadableOption: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  init(_ text: UnreadableText, _ expected: String?) {
    description = "it \(text.reason)" + (expected.map { "; expected \($0)" } ?? "")
  }
}
