/// What a file of text is, as its beginning tells when it is read in each way.
package enum ProfileFormat: Sendable {
  case folded
  case perfScript

  /// - Parameter bytes: the beginning of the file, some thousand bytes where it has as many.
  package init(startingWith bytes: some Collection<UInt8>) {
    let head = Array(bytes.prefix(1 << 16))
    var lines = head.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // The last line may be cut.
    if head.count == 1 << 16 { lines.removeLast() }
    var reader = PerfScriptReader(file: "")
    var folded = 0
    for line in lines {
      let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      unsafe line.withUnsafeBytes { bytes in
        unsafe reader.add(bytes)
        let isComment = unsafe bytes.first == UInt8(ascii: "#") && (bytes.count == 1 || bytes[1] == 0x20)
        if !isComment, unsafe bytes.first != 0x09, unsafe FoldedLine(bytes) != nil { folded += 1 }
      }
    }
    reader.finish()
    self = reader.hasSamples && reader.understoodCount > folded ? .perfScript : .folded
  }
}
