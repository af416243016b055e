/// Most counts of most connections are zero, and most buckets are empty: neither is written, which makes the document of
/// ten thousand connections a tenth as long.
extension NetworkTotals: Codable {
  private enum CodingKeys: String, CodingKey {
    case connections, opened, closed, resets, failed, bytesSent, bytesReceived, sends, receives, retransmits, drops
    case connectTime, acceptDelay, sendTime, receiveTime, closeTime, roundTrip, requests
    case heldMessages, heldNanoseconds
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.write(connections, .connections)
    try container.write(opened, .opened)
    try container.write(closed, .closed)
    try container.write(resets, .resets)
    try container.write(failed, .failed)
    try container.write(bytesSent, .bytesSent)
    try container.write(bytesReceived, .bytesReceived)
    try container.write(sends, .sends)
    try container.write(receives, .receives)
    try container.write(retransmits, .retransmits)
    try container.write(drops, .drops)
    try container.write(connectTime, .connectTime)
    try container.write(acceptDelay, .acceptDelay)
    try container.write(sendTime, .sendTime)
    try container.write(receiveTime, .receiveTime)
    try container.write(closeTime, .closeTime)
    try container.write(roundTrip, .roundTrip)
    try container.write(heldMessages, .heldMessages)
    try container.write(heldNanoseconds, .heldNanoseconds)
    if requests != RequestTotals() { try container.encode(requests, forKey: .requests) }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init()
    connections = try container.count(.connections)
    opened = try container.count(.opened)
    closed = try container.count(.closed)
    resets = try container.count(.resets)
    failed = try container.count(.failed)
    bytesSent = try container.count(.bytesSent)
    bytesReceived = try container.count(.bytesReceived)
    sends = try container.count(.sends)
    receives = try container.count(.receives)
    retransmits = try container.count(.retransmits)
    drops = try container.count(.drops)
    connectTime = try container.histogram(.connectTime)
    acceptDelay = try container.histogram(.acceptDelay)
    sendTime = try container.histogram(.sendTime)
    receiveTime = try container.histogram(.receiveTime)
    closeTime = try container.histogram(.closeTime)
    roundTrip = try container.histogram(.roundTrip)
    heldMessages = try container.count(.heldMessages)
    heldNanoseconds = try container.count(.heldNanoseconds)
    requests = try container.decodeIfPresent(RequestTotals.self, forKey: .requests) ?? RequestTotals()
  }
}

extension KeyedEncodingContainer {
  fileprivate mutating func write(_ count: UInt64, _ key: Key) throws {
    if count > 0 { try encode(count, forKey: key) }
  }

  fileprivate mutating func write(_ histogram: LatencyHistogram, _ key: Key) throws {
    if histogram != LatencyHistogram() { try encode(histogram, forKey: key) }
  }
}

extension KeyedDecodingContainer {
  fileprivate func count(_ key: Key) throws -> UInt64 { try decodeIfPresent(UInt64.self, forKey: key) ?? 0 }

  fileprivate func histogram(_ key: Key) throws -> LatencyHistogram {
    try decodeIfPresent(LatencyHistogram.self, forKey: key) ?? LatencyHistogram()
  }
}

/// A list of numbers: the sum and the maximum in ns, then the place and the count of each bucket that is not empty.
extension LatencyHistogram: Codable {
  package func encode(to encoder: any Encoder) throws {
    var numbers = [sumNanoseconds, maximumNanoseconds]
    for (index, count) in buckets.enumerated() where count > 0 { numbers += [UInt64(index), count] }
    var container = encoder.singleValueContainer()
    try container.encode(numbers)
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let numbers = try container.decode([UInt64].self)
    var buckets = [UInt64](repeating: 0, count: Self.bucketCount)
    let places = stride(from: 2, to: numbers.count, by: 2)
    guard numbers.count >= 2, numbers.count % 2 == 0, places.allSatisfy({ numbers[$0] < buckets.count }) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "no histogram")
    }
    for place in places { buckets[Int(numbers[place])] = numbers[place + 1] }
    self.init(buckets: buckets, sumNanoseconds: numbers[0], maximumNanoseconds: numbers[1])
  }
}
