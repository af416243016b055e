import ProfileModel

/// The lines of text at an edge of a drawing, and the texts of its tooltips.
enum NetworkLabel {
  /// What it speaks and how fast, what it moves, and, where there is any, what goes wrong.
  static func lines(of figures: NetworkEdgeFigures, elapsedNanoseconds: UInt64?) -> [String] {
    [speech(figures, elapsedNanoseconds), traffic(figures), trouble(figures)].compactMap { $0 }
  }

  private static func speech(_ figures: NetworkEdgeFigures, _ elapsedNanoseconds: UInt64?) -> String {
    let language = NetworkText.language(of: figures.edge)
    guard let requests = figures.requests, requests.count > 0 else {
      return "\(language), \(NetworkText.count(figures.connections, "connection"))"
    }
    return "\(language), \(NetworkText.rate(requests.count, elapsedNanoseconds: elapsedNanoseconds)) req/s,"
      + " p99 \(NetworkText.latency(figures.durations?.percentile(0.99)))"
  }

  private static func traffic(_ figures: NetworkEdgeFigures) -> String {
    "\(NetworkText.bytes(figures.bytesToServer)) sent, \(NetworkText.bytes(figures.bytesToClient)) back"
  }

  /// Nil where nothing went wrong.
  static func trouble(_ figures: NetworkEdgeFigures) -> String? {
    var phrases: [String] = []
    if figures.errors > 0 {
      phrases.append("\(NetworkText.percent(figures.errors, of: figures.requests?.answered ?? 0)) errors")
    }
    if let failed = figures.failed, failed > 0 { phrases.append("\(NumberText.grouped(failed)) failed connects") }
    if figures.resets > 0 { phrases.append(NetworkText.count(figures.resets, "reset")) }
    if let retransmits = figures.retransmits, retransmits > 0 {
      phrases.append(NetworkText.count(retransmits, "retransmit"))
    }
    if let drops = figures.drops, drops > 0 { phrases.append(NetworkText.count(drops, "drop")) }
    return phrases.isEmpty ? nil : phrases.joined(separator: ", ")
  }

  /// All numbers of an edge, a line for each kind.
  static func tooltip(
    of figures: NetworkEdgeFigures, client: String, server: String, elapsedNanoseconds: UInt64?
  ) -> [String] {
    [
      "\(client) to \(server), \(NetworkText.language(of: figures.edge))", figures.connectionPhrase,
      "requests \(figures.requestPhrase(elapsedNanoseconds: elapsedNanoseconds))", "latency \(figures.latencyPhrase)",
      figures.trafficPhrase,
    ]
  }
}
