import ProfileModel

/// Numbers and names of a network profile as reports print them. What is not known is `-`, never zero.
enum NetworkText {
  static let unknown = "-"

  /// A length of time with three digits: `850ns`, `12.3ms`, `1.52s`; more than a minute as tasks show it.
  static func latency(_ nanoseconds: Double?) -> String {
    guard let nanoseconds, nanoseconds.isFinite, nanoseconds >= 0 else { return unknown }
    if nanoseconds < 999.5 { return "\(UInt64(nanoseconds.rounded()))ns" }
    for (unit, length) in [("us", 1e3), ("ms", 1e6)] where nanoseconds / length < 999.5 {
      return threeDigits(nanoseconds / length) + unit
    }
    if nanoseconds < 59.95e9 { return threeDigits(nanoseconds / 1e9) + "s" }
    return TimeText.duration(nanoseconds: UInt64(min(nanoseconds, 9e18)))
  }

  static func latency(_ nanoseconds: UInt64) -> String { latency(Double(nanoseconds)) }

  /// A size in units of 1000: `812 B`, `1.25 MB`.
  static func bytes(_ bytes: UInt64) -> String {
    if bytes < 1000 { return "\(bytes) B" }
    var size = Double(bytes)
    for unit in ["kB", "MB", "GB", "TB", "PB"] {
      size /= 1000
      if size < 999.5 { return "\(threeDigits(size)) \(unit)" }
    }
    return "\(threeDigits(size / 1000)) EB"
  }

  /// How many a second: `0.50`, `411`, `12,345`.
  static func rate(_ count: UInt64, elapsedNanoseconds: UInt64?) -> String {
    guard let elapsedNanoseconds, elapsedNanoseconds > 0 else { return unknown }
    let rate = Double(count) * 1e9 / Double(elapsedNanoseconds)
    return rate < 999.5 ? threeDigits(rate) : NumberText.grouped(UInt64(min(rate.rounded(), 1e18)))
  }

  /// A share in percent with one decimal, without the sign; a small one is `<0.1`, one of nothing is not known.
  static func share(_ part: UInt64, of whole: UInt64) -> String {
    guard whole > 0 else { return unknown }
    let text = NumberText.percent(part, of: whole, decimals: 1)
    return part > 0 && text == "0.0" ? "<0.1" : text
  }

  /// The same with the sign, where there is a number.
  static func percent(_ part: UInt64, of whole: UInt64) -> String {
    whole == 0 ? unknown : share(part, of: whole) + " %"
  }

  /// A number and what it counts: `1 connection`, `1,234 connections`.
  static func count(_ number: UInt64, _ noun: String) -> String {
    "\(NumberText.grouped(number)) \(noun)\(number == 1 ? "" : "s")"
  }

  /// The same, or `-` for a number that is not known.
  static func count(_ number: UInt64?, _ noun: String) -> String {
    number.map { count($0, noun) } ?? "\(unknown) \(noun)s"
  }

  private static func threeDigits(_ number: Double) -> String {
    NumberText.decimal(number, digits: number < 9.995 ? 2 : number < 99.95 ? 1 : 0) ?? unknown
  }

  // MARK: - Names

  static func process(_ name: String, _ id: ProcessID) -> String { name.isEmpty ? "pid \(id)" : "\(name) (\(id))" }

  /// Processes of one program: `curl ×120`.
  static func program(_ name: String, _ count: UInt64) -> String { "\(name) ×\(NumberText.grouped(count))" }

  /// Whose requests those of an endpoint are.
  static func owner(of endpoint: HTTPEndpoint) -> String {
    endpoint.instances.map { program(endpoint.processName, $0) } ?? process(endpoint.processName, endpoint.process)
  }

  /// A node in one line: `nginx (812)`, `db.local (10.0.0.7:5432)`.
  static func name(of node: NetworkNode) -> String {
    switch node {
    case .process(let id, let name, _, _): process(name, id)
    case .program(let name, let count, _, _): program(name, count)
    case .remote(let address, let port, let name, let namespace):
      (name.map { "\($0) (\(place(address, port)))" } ?? place(address, port))
        + (namespace.map { " in netns \($0)" } ?? "")
    case .other(let count): "\(NumberText.grouped(count)) others"
    }
  }

  /// An address with its port, where it has one.
  static func place(_ address: String, _ port: UInt16?) -> String {
    guard !address.isEmpty else { return "unknown address" }
    guard let port else { return address }
    return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
  }

  /// What the times of servers among these endpoints start from; nil where there is no server.
  static func starts(of profile: NetworkProfile, _ endpoints: [HTTPEndpoint]) -> String? {
    let servers = endpoints.filter { $0.role == .server }.flatMap { profile.requestStarts(of: $0.process, $0.role) }
    switch (servers.contains(.arrival), servers.contains(.firstRead)) {
    case (true, true):
      return "a server's times start when a request arrives; over unix sockets and MPTCP, when it is first read"
    case (true, false): return "a server's times start when a request arrives, be it read then or later"
    case (false, true): return "a server's times start when a request is first read: how long it waited is not in them"
    case (false, false): return nil
    }
  }

  /// What an edge speaks, and over what where that is not TCP: `HTTP/1 in TLS`, `DNS, udp`.
  static func language(of edge: NetworkEdge) -> String {
    var text = edge.speaks == .unknown ? "unknown protocol" : edge.speaks.name
    if edge.isTLS, edge.speaks != .tls { text += " in TLS" }
    switch edge.transport {
    case .tcp: return text
    case .mptcp, .udp, .unix: return "\(text), \(edge.transport.rawValue)"
    case .unixDatagram: return "\(text), unix datagrams"
    }
  }

  /// Requests whose answer was not seen whole, by what was seen; nothing where there are none.
  static func endings(_ requests: RequestTotals) -> [String] {
    [
      (requests.notEnded, "answered, not ended"), (requests.endsMissed, "answered, end not seen"),
      (requests.unpaired, "with an answer not seen"),
    ].filter { $0.0 > 0 }.map { "\(NumberText.grouped($0.0)) \($0.1)" }
  }

  /// What counted calls and bytes, and what that can't see.
  static func source(_ source: NetworkSource) -> String {
    var text =
      switch source.kind {
      case .sockets: "socket tracepoints (K), which see io_uring, sendfile and sendmmsg"
      case .systemCalls: "system calls (S): io_uring, sendfile, splice and sendmmsg are not seen"
      }
    let others = [("received", source.received), ("sent", source.sent)].filter { $0.1 != source.kind }
    if !others.isEmpty {
      let letter = source.kind == .sockets ? "S" : "K"
      text += "; \(others.count == 2 ? "" : "\(others[0].0) ")content by \(letter)"
    }
    return text
  }
}
