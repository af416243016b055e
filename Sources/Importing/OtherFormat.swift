/// Formats that are known and not read, each with what makes one of ours of it.
package enum OtherFormat {
  /// What a file is whose beginning has no stacks that we read; nil where that is not known.
  package static func error(_ head: [UInt8], file: String) -> ImportError? {
    if let error = legacy(head, file: file) { return error }
    let text = head.prefix(512)
    func begins(_ start: String) -> Bool { text.starts(with: Array(start.utf8)) }
    if begins("PERFILE2") || begins("2ELIFREP") {
      return .otherFormat(
        file: file, what: "a recording of perf", advice: "print it: perf script -i \(file) | swprof report --from -")
    }
    for (magic, name, tool) in compressions where text.starts(with: magic) {
      return .otherFormat(
        file: file, what: "compressed by \(name)", advice: "uncompress it: \(tool) -dc \(file) | swprof report --from -"
      )
    }
    if begins("{") || begins("[") {
      return .otherFormat(
        file: file, what: "JSON", advice: "export folded stacks, perf script's text or pprof instead")
    }
    return nil
  }

  /// What pprof wrote before its present format, which nothing else looks like.
  package static func legacy(_ head: [UInt8], file: String) -> ImportError? {
    guard isLegacyCPU(head) || isLegacyText(head) else { return nil }
    return .otherFormat(
      file: file, what: "a profile in a format that pprof has replaced",
      advice: "convert it: go tool pprof -proto -output=profile.pb.gz PROGRAM \(file)")
  }

  private static let compressions: [(magic: [UInt8], name: String, tool: String)] = [
    ([0x28, 0xB5, 0x2F, 0xFD], "zstd", "zstd"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "xz", "xz"),
    ([0x42, 0x5A, 0x68], "bzip2", "bzip2"), ([0x04, 0x22, 0x4D, 0x18], "lz4", "lz4"),
  ]

  /// gperftools' CPU profile: words 0, 3, 0, the period in µs, 0, of the machine that wrote it
  /// (https://gperftools.github.io/gperftools/cpuprofile-fileformat.html).
  private static func isLegacyCPU(_ head: [UInt8]) -> Bool {
    [4, 8].contains { size in
      [false, true].contains { isBigEndian in
        guard head.count >= 5 * size else { return false }
        let words = (0..<5).map { index in
          let word = head[index * size..<(index + 1) * size]
          return (isBigEndian ? Array(word) : word.reversed()).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        return words[0] == 0 && words[1] == 3 && words[2] == 0 && (1...100_000_000).contains(words[3]) && words[4] == 0
      }
    }
  }

  /// The profiles of heaps, threads and locks as text, and what Go's `/debug/pprof/…?debug=1` prints.
  private static func isLegacyText(_ head: [UInt8]) -> Bool {
    let lines = head.prefix(4096).split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    guard let first = lines.first(where: { !$0.isEmpty && !$0.hasPrefix("#") }) else { return false }
    let sections = [
      "--- heapz", "--- heap", "--- contentionz", "--- contention", "--- mutex", "--- growthz", "--- symbol",
      "--- threadz", "--- profile",
    ]
    if sections.contains(where: { first == $0 || first.hasPrefix($0 + " ") || first.hasPrefix($0 + ":") }) {
      return true
    }
    if first.hasPrefix("heap profile:"), first.contains("["), first.contains("] @") { return true }
    let words = first.split(separator: " ")
    return words.count == 4 && words[1] == "profile:" && words[2] == "total" && Int(words[3]) != nil
      && lines.dropFirst().contains { $0.contains(" @ 0x") || $0.contains(" @") }
  }
}
