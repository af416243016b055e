import LinuxSystem

/// The names that /etc/hosts has for addresses. No name server is asked.
struct HostNames {
  private var names: [String: String] = [:]

  /// - Parameter text: of a file as hosts(5) describes it.
  init(_ text: String) {
    for line in text.split(separator: "\n") {
      let fields = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
      guard fields.count >= 2, names[String(fields[0])] == nil else { continue }
      names[String(fields[0])] = String(fields[1])
    }
  }

  static func ofThisHost() -> HostNames { HostNames((try? OpenFile.text(of: "/etc/hosts")) ?? "") }

  subscript(address: String) -> String? { names[address] }
}
