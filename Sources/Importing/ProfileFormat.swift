/// What a file of profiles is, as its first bytes tell.
package enum ProfileFormat: Sendable {
  case folded
  case perfScript
  /// gzip or a protocol buffer: what pprof reads and writes.
  case pprof

  /// - Parameter bytes: the beginning of the file, some thousand bytes where it has as many.
  package init(startingWith bytes: some Collection<UInt8>) {
    let head = Array(bytes.prefix(1 << 16))
    // The magic number of gzip (RFC 1952), and field 1 or 2 of a Profile message, of wire type 2, without which no
    // text begins: a line feed or DC2.
    if head.starts(with: [0x1F, 0x8B]) || head.first == 0x0A && head.contains(0) || head.first == 0x12 {
      self = .pprof
      return
    }
    let lines = String(decoding: head, as: UTF8.self).split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
    // A sample's first line has its thread's number and a colon; the lines of folded stacks end with a count.
    let isPerfScript = lines.prefix(50).contains { PerfScriptHeader(String($0)).map { !$0.event.isEmpty } ?? false }
    let folded = lines.prefix(50).count { line in
      line.last?.isNumber == true && !line.hasPrefix(" ") && !line.hasPrefix("\t") && line.contains(" ")
    }
    self = isPerfScript && folded * 2 < min(50, lines.count) ? .perfScript : .folded
  }
}
