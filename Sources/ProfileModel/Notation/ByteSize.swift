/// A number of bytes as command lines and policies write it: `4k`, `512M`, `2G`.
package struct ByteSize: Equatable, Sendable {
  package let bytes: Int64

  /// What error messages ask for.
  package static let examples = "a size, as 512M or 2G"

  package init(bytes: Int64) { self.bytes = bytes }

  package init(reading text: String) throws(UnreadableText) {
    let product = try NumberWithUnit(reading: text).product(["k": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40])
    guard let bytes = Int64(exactly: product) else { throw .tooLarge }
    self.bytes = bytes
  }
}
