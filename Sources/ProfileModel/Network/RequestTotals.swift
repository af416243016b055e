/// HTTP requests that were summed up.
///
/// Each request is one of these: answered whole, answered without an end, answered with an end that was missed, unpaired,
/// or unanswered.
package struct RequestTotals: Equatable, Sendable {
  /// Requests that were seen to begin.
  package var count: UInt64 = 0
  /// Answered ones by the first digit of the status; `statusClasses[0]` is 1xx, of which only 101 answers a request.
  package var statusClasses: [UInt64] = [0, 0, 0, 0, 0]
  /// Of the answered: whose answer went on when the capture ended, or was cut by the end of its connection.
  package var notEnded: UInt64 = 0
  /// Of the answered: whose answer had an end that was not seen.
  package var endsMissed: UInt64 = 0
  /// Requests whose answer could not be told from others, or was not seen.
  package var unpaired: UInt64 = 0
  /// Requests whose connection ended, or that the capture ended, before an answer.
  package var unanswered: UInt64 = 0
  /// From the first byte of the request to the last byte of the answer; of those that were answered whole; see `RequestStart`.
  package var durations = LatencyHistogram()
  /// The sum of the times to the first byte of the answer, of all that were answered.
  package var firstByteNanoseconds: UInt64 = 0
  package var requestBytes: UInt64 = 0
  package var responseBytes: UInt64 = 0

  package init() {}

  /// Requests that were answered with a status.
  package var answered: UInt64 { statusClasses.reduce(0, &+) }
  /// Requests that were answered whole.
  package var finished: UInt64 {
    let (rest, overflow) = answered.subtractingReportingOverflow(notEnded &+ endsMissed)
    return overflow ? 0 : rest
  }
  package var clientErrors: UInt64 { statusClasses.count > 3 ? statusClasses[3] : 0 }
  package var serverErrors: UInt64 { statusClasses.count > 4 ? statusClasses[4] : 0 }

  package mutating func add(_ other: RequestTotals) {
    count &+= other.count
    for (index, number) in other.statusClasses.enumerated() where index < statusClasses.count {
      statusClasses[index] &+= number
    }
    notEnded &+= other.notEnded
    endsMissed &+= other.endsMissed
    unpaired &+= other.unpaired
    unanswered &+= other.unanswered
    durations.add(other.durations)
    firstByteNanoseconds &+= other.firstByteNanoseconds
    requestBytes &+= other.requestBytes
    responseBytes &+= other.responseBytes
  }
}

/// Documents of earlier releases have no word of answers without an end: they left such requests unanswered.
extension RequestTotals: Codable {
  private enum CodingKeys: String, CodingKey {
    case count, statusClasses, notEnded, endsMissed, unpaired, unanswered, durations, firstByteNanoseconds
    case requestBytes, responseBytes
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(count, forKey: .count)
    try container.encode(statusClasses, forKey: .statusClasses)
    for (number, key) in [(notEnded, CodingKeys.notEnded), (endsMissed, .endsMissed), (unpaired, .unpaired)]
    where number > 0 {
      try container.encode(number, forKey: key)
    }
    try container.encode(unanswered, forKey: .unanswered)
    try container.encode(durations, forKey: .durations)
    try container.encode(firstByteNanoseconds, forKey: .firstByteNanoseconds)
    try container.encode(requestBytes, forKey: .requestBytes)
    try container.encode(responseBytes, forKey: .responseBytes)
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    count = try container.decode(UInt64.self, forKey: .count)
    statusClasses = try container.decode([UInt64].self, forKey: .statusClasses)
    notEnded = try container.decodeIfPresent(UInt64.self, forKey: .notEnded) ?? 0
    endsMissed = try container.decodeIfPresent(UInt64.self, forKey: .endsMissed) ?? 0
    unpaired = try container.decodeIfPresent(UInt64.self, forKey: .unpaired) ?? 0
    unanswered = try container.decode(UInt64.self, forKey: .unanswered)
    durations = try container.decode(LatencyHistogram.self, forKey: .durations)
    firstByteNanoseconds = try container.decode(UInt64.self, forKey: .firstByteNanoseconds)
    requestBytes = try container.decode(UInt64.self, forKey: .requestBytes)
    responseBytes = try container.decode(UInt64.self, forKey: .responseBytes)
  }
}
