package import ProfileModel

/// Tells from its first bytes what a connection speaks.
///
/// A wrong name is worse than none: bytes that could be anything stay unknown.
package enum ProtocolDetector {
  package enum Confidence: Int, Comparable, Sendable {
    /// It looks like it; other bytes of the connection should agree.
    case weak
    case strong

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
  }

  package struct Finding: Equatable, Sendable {
    package var speaks: NetworkProtocol
    package var confidence: Confidence

    package init(_ speaks: NetworkProtocol, _ confidence: Confidence) {
      self.speaks = speaks
      self.confidence = confidence
    }
  }

  /// What both directions speak; nil where it is unknown, or where two answers are as good.
  ///
  /// - Parameters:
  ///   - received: what the process received first.
  ///   - sent: what it sent first.
  ///   - isServer: whether the process is the server of the two.
  package static func detect(
    received: StreamBeginning, sent: StreamBeginning, transport: NetworkTransport, localPort: UInt16?,
    remotePort: UInt16?, isServer: Bool
  ) -> Finding? {
    let client = ProxyPreamble.leftOut(of: isServer ? received : sent)
    let server = isServer ? sent : received
    let port = isServer ? localPort : remotePort
    if transport == .udp || transport == .unixDatagram {
      return Domain.confidence(client: client, server: server, port: port).map { Finding(.dns, $0) }
    }
    var weak: Finding?
    var isAmbiguous = false
    for (speaks, detector) in detectors {
      guard let confidence = detector(client, server, port) else { continue }
      if confidence == .strong { return Finding(speaks, .strong) }
      // Two that may be are none.
      if weak != nil { isAmbiguous = true }
      weak = Finding(speaks, .weak)
    }
    return isAmbiguous ? nil : weak
  }

  private typealias Detector =
    @Sendable (_ client: StreamBeginning, _ server: StreamBeginning, _ port: UInt16?) -> Confidence?

  /// In the order in which strong answers count.
  private static let detectors: [(NetworkProtocol, Detector)] = [
    (.http2, { client, server, _ in HTTP2.confidence(client: client, server: server) }),
    (.http1, { client, server, _ in HTTP1.confidence(client: client, server: server) }),
    (.tls, { client, server, _ in TLS.confidence(client: client, server: server) }),
    (.redis, { client, server, _ in Redis.confidence(client: client, server: server) }),
    (.postgresql, { client, server, _ in PostgreSQL.confidence(client: client, server: server) }),
    (.mysql, { client, server, _ in MySQL.confidence(client: client, server: server) }),
    (.kafka, { client, server, _ in Kafka.confidence(client: client, server: server) }),
    (.dns, { client, server, port in Domain.streamConfidence(client: client, server: server, port: port) }),
  ]
}

/// RFC 9112.
enum HTTP1 {
  private static let methods = [
    "GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "TRACE ", "PATCH ",
  ]

  static func confidence(client: StreamBeginning, server: StreamBeginning) -> ProtocolDetector.Confidence? {
    isRequest(client) || isResponse(server) ? .strong : nil
  }

  private static func isRequest(_ stream: StreamBeginning) -> Bool {
    if stream.hasPrefix("CONNECT ") { return stream.byte(8).map { $0.isDigit || $0.isLetter || $0 == 0x5B } ?? false }
    guard let method = methods.first(where: { stream.hasPrefix($0) }) else { return false }
    let place = method.utf8.count
    return stream.byte(place) == UInt8(ascii: "/") || stream.hasPrefix("* HTTP/1.", at: place)
      || stream.hasPrefix("http", at: place)
  }

  private static func isResponse(_ stream: StreamBeginning) -> Bool {
    guard stream.hasPrefix("HTTP/1."), stream.bytes.count >= 12, stream.byte(8) == UInt8(ascii: " ") else {
      return false
    }
    return stream.bytes[7].isDigit && stream.bytes[9..<12].allSatisfy(\.isDigit)
  }
}

/// RFC 9113.
enum HTTP2 {
  static func confidence(client: StreamBeginning, server: StreamBeginning) -> ProtocolDetector.Confidence? {
    if client.hasPrefix("PRI * HTTP/2.0\r\n") { return .strong }
    return hasTwoFrames(client) || hasTwoFrames(server) ? .weak : nil
  }

  private static func hasTwoFrames(_ stream: StreamBeginning) -> Bool {
    guard let first = frameLength(stream, at: 0), first + 9 < stream.length else { return false }
    return frameLength(stream, at: 9 + first) != nil
  }

  /// The length of a frame's payload, nil where there is no frame (section 6).
  private static func frameLength(_ stream: StreamBeginning, at place: Int) -> Int? {
    guard let length = stream.number(place, size: 3), let type = stream.byte(place + 3),
      let flags = stream.byte(place + 4), let identifier = stream.number(place + 5, size: 4),
      length <= 1 << 14, identifier >> 31 == 0
    else { return nil }
    let isRight =
      switch type {
      case 0: identifier > 0 && flags & ~0x09 == 0
      case 1: identifier > 0 && flags & ~0x2D == 0
      case 2: identifier > 0 && flags == 0 && length == 5
      case 3: identifier > 0 && flags == 0 && length == 4
      case 4: identifier == 0 && flags <= 1 && length % 6 == 0 && (flags == 0 || length == 0)
      case 5: identifier > 0 && flags & ~0x0C == 0 && length >= 4
      case 6: identifier == 0 && flags <= 1 && length == 8
      case 7: identifier == 0 && flags == 0 && length >= 8
      case 8: flags == 0 && length == 4
      case 9: identifier > 0 && flags & ~0x04 == 0
      default: false
      }
    return isRight ? length : nil
  }
}

/// RFC 8446 and its predecessors.
enum TLS {
  private static let clientHello: UInt8 = 1
  private static let serverHello: UInt8 = 2
  /// Of a record with room for a cipher's expansion (RFC 5246 section 6.2.3).
  private static let longestRecord = (1 << 14) + 2048

  static func confidence(client: StreamBeginning, server: StreamBeginning) -> ProtocolDetector.Confidence? {
    if isHello(client, type: clientHello) || isHello(server, type: serverHello) { return .strong }
    let records = [client, server].count { isApplicationData($0) }
    return records == 2 ? .strong : records == 1 ? .weak : nil
  }

  private static func isHello(_ stream: StreamBeginning, type: UInt8) -> Bool {
    guard stream.byte(0) == 0x16, stream.byte(1) == 3, let minor = stream.byte(2), minor <= 4,
      let record = stream.number(3, size: 2), record <= longestRecord, stream.byte(5) == type,
      let message = stream.number(6, size: 3), stream.byte(9) == 3, let version = stream.byte(10), version <= 4
    else { return false }
    // Version, random and the lengths behind them; a server's record may hold more messages.
    return message >= 38 && (message + 4 <= record || record == 1 << 14)
  }

  private static func isApplicationData(_ stream: StreamBeginning) -> Bool {
    guard stream.hasPrefix("\u{17}\u{3}\u{3}"), let record = stream.number(3, size: 2),
      record > 16, record <= longestRecord
    else { return false }
    guard let next = stream.byte(5 + record) else { return true }
    return (0x14...0x17).contains(next)
  }
}

/// RESP, the protocol of Redis.
enum Redis {
  static func confidence(client: StreamBeginning, server: StreamBeginning) -> ProtocolDetector.Confidence? {
    if isCommand(client) { return .strong }
    return isReply(server) && client.bytes.allSatisfy({ $0.isPrintable || $0 == 13 || $0 == 10 }) ? .weak : nil
  }

  /// `*2\r\n$3\r\n`: how many words, and how long the first is.
  private static func isCommand(_ stream: StreamBeginning) -> Bool {
    guard stream.byte(0) == UInt8(ascii: "*"), let count = numberLine(stream, at: 1), count.value > 0,
      stream.byte(count.end) == UInt8(ascii: "$"), let word = numberLine(stream, at: count.end + 1)
    else { return false }
    return word.value > 0 && stream.bytes[word.end...].prefix(word.value).allSatisfy { $0.isLetter || $0 == 0x2E }
  }

  private static func isReply(_ stream: StreamBeginning) -> Bool {
    switch stream.byte(0) {
    case UInt8(ascii: "+"), UInt8(ascii: "-"):
      guard let end = stream.bytes.firstIndex(of: 13), end > 1, stream.byte(end + 1) == 10 else { return false }
      return stream.length == end + 2 && stream.bytes[1..<end].allSatisfy(\.isPrintable)
    case UInt8(ascii: ":"), UInt8(ascii: "*"): return numberLine(stream, at: 1) != nil
    case UInt8(ascii: "$"):
      guard let size = numberLine(stream, at: 1) else { return false }
      return size.value < 0 || stream.length >= size.end && stream.length <= size.end + size.value + 2
    default: return false
    }
  }

  /// A number of at most nine digits and its line end.
  private static func numberLine(_ stream: StreamBeginning, at place: Int) -> (value: Int, end: Int)? {
    guard place <= stream.bytes.count, let end = stream.bytes[place...].firstIndex(of: 13), end - place <= 9,
      stream.byte(end + 1) == 10, let value = Int(String(decoding: stream.bytes[place..<end], as: UTF8.self))
    else { return nil }
    return (value, end + 2)
  }
}

/// Version 3 of the frontend/backend protocol (PostgreSQL documentation, "Message Formats").
enum PostgreSQL {
  static func confidence(client: StreamBeginning, server: StreamBeginning) -> ProtocolDetector.Confidence? {
    if isStartup(client) { return .strong }
    let isAsked = isMessage(client, types: "QPBEXpDCSHFdcf")
    let isAnswered = isMessage(server, types: "RTCDEZ123nINSKtGHAs")
    if isAsked && isAnswered { return .strong }
    return isAsked && (server.bytes.isEmpty || isAnswered) || isAnswered && client.bytes.isEmpty ? .weak : nil
  }

  /// A startup packet, or a request for encryption or to cancel, each of which begins with its length and a code.
  private static func isStartup(_ stream: StreamBeginning) -> Bool {
    guard let length = stream.number(0, size: 4), let code = stream.number(4, size: 4) else { return false }
    switch code {
    case 80_877_103, 80_877_104: return length == 8
    case 80_877_102: return length >= 16 && length == stream.length
    case 0x3_0000...0x3_0002:
      return length == stream.length && length <= 10_000 && stream.byte(8).map { $0.isLetter || $0 == 0x5F } ?? false
    default: return false
    }
  }

  /// A type and a length that covers itself; what follows within the call must be a message as well.
  private static func isMessage(_ stream: StreamBeginning, types: String) -> Bool {
    var place = 0
    repeat {
      guard let type = stream.byte(place), types.utf8.contains(type),
        let length = stream.number(place + 1, size: 4), length >= 4, place + 1 + length <= stream.length
      else { return false }
      place += 1 + length
    } while place + 5 <= stream.bytes.count
    return true
  }
}

/// The client/server protocol of MySQL: packets of three bytes of length, a number, and a payload.
enum MySQL {
  static func confidence(client: StreamBeginning, server: StreamBeginning) -> ProtocolDetector.Confidence? {
    if isGreeting(server) { return .strong }
    guard isCommand(client) else { return nil }
    if server.bytes.isEmpty { return .weak }
    return isAnswer(server) ? .strong : nil
  }

  /// Protocol 10 and the server's version, such as `8.0.36`.
  private static func isGreeting(_ stream: StreamBeginning) -> Bool {
    guard stream.littleEndian24(0) == stream.length - 4, stream.byte(3) == 0, stream.byte(4) == 10,
      let end = stream.bytes.firstIndex(of: 0, from: 5) ?? (stream.bytes.count == 32 ? 32 : nil), end > 7
    else { return false }
    return stream.bytes[5].isDigit && stream.bytes[5..<end].allSatisfy(\.isPrintable)
  }

  private static func isCommand(_ stream: StreamBeginning) -> Bool {
    guard let length = stream.littleEndian24(0), length > 0, length == stream.length - 4, stream.byte(3) == 0,
      let command = stream.byte(4)
    else { return false }
    switch command {
    case 0x01, 0x0E, 0x1F: return length == 1
    case 0x02, 0x03, 0x16:
      return length > 1 && stream.bytes[5...].allSatisfy { $0.isPrintable || (9...13).contains($0) || $0 >= 0x80 }
    case 0x17: return length >= 10
    case 0x19, 0x1A: return length == 5
    default: return false
    }
  }

  private static func isAnswer(_ stream: StreamBeginning) -> Bool {
    guard let length = stream.littleEndian24(0), length > 0, length <= stream.length - 4 else { return false }
    return stream.byte(3) == 1
  }
}

/// The protocol of Kafka: a size, then the header of a request (Kafka protocol guide, "Request Header").
enum Kafka {
  private static let lastKey = 92
  private static let lastVersion = 20

  static func confidence(client: StreamBeginning, server: StreamBeginning) -> ProtocolDetector.Confidence? {
    guard let size = client.number(0, size: 4), size == client.length - 4, size >= 10,
      let key = client.number(4, size: 2), key <= lastKey, let version = client.number(6, size: 2),
      version <= lastVersion, let correlation = client.number(8, size: 4), correlation >> 31 == 0,
      let name = client.number(12, size: 2)
    else { return nil }
    if let answered = server.number(4, size: 4), answered != correlation { return nil }
    if name == 0xFFFF { return server.bytes.isEmpty ? .weak : .strong }
    guard name <= 255, name + 10 <= size else { return nil }
    return client.bytes[14...].prefix(name).allSatisfy(\.isPrintable) ? .strong : nil
  }
}

/// DNS (RFC 1035), as datagrams and, behind two bytes of length, in streams.
enum Domain {
  private static let ports: Set<UInt16> = [53, 5353, 5355]

  static func confidence(
    client: StreamBeginning, server: StreamBeginning, port: UInt16?
  ) -> ProtocolDetector.Confidence? {
    let isAsked = isMessage(client, isResponse: false)
    let isAnswered = isMessage(server, isResponse: true)
    guard isAsked || isAnswered else { return nil }
    if !client.bytes.isEmpty && !server.bytes.isEmpty {
      guard isAsked, isAnswered, client.number(0, size: 2) == server.number(0, size: 2) else { return nil }
      return .strong
    }
    return port.map(ports.contains) == true ? .strong : .weak
  }

  static func streamConfidence(
    client: StreamBeginning, server: StreamBeginning, port: UInt16?
  ) -> ProtocolDetector.Confidence? {
    for stream in [client, server] where !stream.bytes.isEmpty {
      guard stream.number(0, size: 2) == stream.length - 2 else { return nil }
    }
    return confidence(client: client.dropping(2), server: server.dropping(2), port: port)
  }

  private static func isMessage(_ stream: StreamBeginning, isResponse: Bool) -> Bool {
    guard let flags = stream.number(2, size: 2), let questions = stream.number(4, size: 2),
      let answers = stream.number(6, size: 2), let authorities = stream.number(8, size: 2),
      let additions = stream.number(10, size: 2)
    else { return false }
    let operation = flags >> 11 & 15
    // The bit 0x40 is reserved (RFC 1035 section 4.1.1, RFC 4035 section 3.1.6).
    guard flags >> 15 == (isResponse ? 1 : 0), [0, 4, 5].contains(operation), flags & 0x40 == 0, questions == 1,
      additions <= 64
    else { return false }
    let isSane = isResponse ? answers <= 256 && authorities <= 64 : answers == 0 && authorities == 0 && flags & 15 == 0
    return isSane && isName(stream, at: 12)
  }

  /// The labels of a name, as far as they were seen; the last is empty, and type and class follow.
  private static func isName(_ stream: StreamBeginning, at start: Int) -> Bool {
    var place = start
    while let length = stream.byte(place) {
      if length == 0 {
        guard let kind = stream.number(place + 3, size: 2) else { return stream.length >= place + 5 }
        return [1, 3, 4, 255].contains(kind & 0x7FFF)
      }
      let label = stream.bytes[(place + 1)...].prefix(Int(length))
      guard length <= 63, label.allSatisfy({ $0.isDigit || $0.isLetter || $0 == 0x2D || $0 == 0x5F }) else {
        return false
      }
      place += 1 + Int(length)
    }
    return place > start && stream.length > place
  }
}

extension Array where Element: Equatable {
  fileprivate func firstIndex(of element: Element, from start: Int) -> Int? {
    start <= count ? self[start...].firstIndex(of: element) : nil
  }
}
