import ProfileModel
import Protocols
import SeededRandom
import Testing

/// Beginnings of connections, written by their specifications.
struct ProtocolDetectorTests {
  /// What a client and a server send first.
  struct Exchange: CustomTestStringConvertible {
    var name: String
    var client: [UInt8] = []
    var server: [UInt8] = []
    var transport = NetworkTransport.tcp
    var port: UInt16 = 4000
    var clientLength: Int?
    var serverLength: Int?
    var found: ProtocolDetector.Finding?

    var testDescription: String { name }
  }

  private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

  private static func postgres(_ type: Character, _ body: [UInt8]) -> [UInt8] {
    text(String(type)) + [0, 0, 0, UInt8(body.count + 4)] + body
  }

  private static func mysql(_ number: UInt8, _ body: [UInt8]) -> [UInt8] { [UInt8(body.count), 0, 0, number] + body }

  private static func kafka(_ body: [UInt8]) -> [UInt8] { [0, 0, 0, UInt8(body.count)] + body }

  private static let name: [UInt8] = [3] + text("www") + [7] + text("example") + [3] + text("com") + [0]
  private static let question: [UInt8] = [0xAB, 0xCD, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + name + [0, 1, 0, 1]
  private static let answer: [UInt8] =
    [0xAB, 0xCD, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] + name + [
      0, 1, 0, 1, 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 4,
    ]
  private static let startup: [UInt8] = [0, 0, 0, 20, 0, 3, 0, 0] + text("user\0bob\0\0\0\0")
  private static let greeting = mysql(0, [10] + text("8.0.36\0") + Array(repeating: 0x41, count: 60))
  private static let settings: [UInt8] = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100]
  private static let clientHello: [UInt8] = [22, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3] + Array(repeating: 0x5A, count: 21)
  private static let serverHello: [UInt8] =
    [22, 3, 3, 0, 0x7A, 2, 0, 0, 0x76, 3, 3] + Array(repeating: 0x5A, count: 21)
  private static let record: [UInt8] = [23, 3, 3, 0, 40] + Array(repeating: 0x99, count: 27)
  private static let versions = kafka([0, 18, 0, 3, 0, 0, 0, 1, 0, 7] + text("rdkafka") + [0, 0])

  static let exchanges: [Exchange] = [
    Exchange(name: "HTTP request", client: text("GET /a HTTP/1.1\r\n"), found: .init(.http1, .strong)),
    Exchange(name: "HTTP absolute", client: text("POST http://a/ HTTP/1.1\r\n"), found: .init(.http1, .strong)),
    Exchange(name: "HTTP tunnel", client: text("CONNECT a:443 HTTP/1.1\r\n"), found: .init(.http1, .strong)),
    Exchange(
      name: "HTTP behind a proxy's line", client: text("PROXY UNKNOWN\r\nGET /a HTTP/1.1\r\n"),
      found: .init(.http1, .strong)),
    Exchange(
      name: "Redis behind a proxy's binary preamble",
      client: text("\r\n\r\n\0\r\nQUIT\n") + [0x20, 0, 0, 0] + text("*1\r\n$4\r\nPING"), clientLength: 30,
      found: .init(.redis, .strong)),
    Exchange(
      name: "a proxy's line and no more", client: text("PROXY TCP4 192.0.2.1 198.51.100."), clientLength: 46, found: nil
    ),
    Exchange(name: "HTTP response", server: text("HTTP/1.0 404 Not Found\r\n"), found: .init(.http1, .strong)),
    Exchange(
      name: "HTTP/2 preface", client: text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + settings, found: .init(.http2, .strong)
    ),
    Exchange(
      name: "HTTP/2 midway", server: settings + [0, 0, 0, 4, 1, 0, 0, 0, 0], found: .init(.http2, .weak)),
    Exchange(name: "TLS client", client: clientHello, clientLength: 517, found: .init(.tls, .strong)),
    Exchange(name: "TLS server", server: serverHello, serverLength: 1400, found: .init(.tls, .strong)),
    Exchange(name: "TLS midway", client: record, clientLength: 45, found: .init(.tls, .weak)),
    Exchange(name: "TLS midway, both ways", client: record, server: record, found: .init(.tls, .strong)),
    Exchange(name: "Redis command", client: text("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), found: .init(.redis, .strong)),
    Exchange(name: "Redis status", server: text("+OK\r\n"), found: .init(.redis, .weak)),
    Exchange(name: "Redis error", server: text("-ERR no such key\r\n"), found: .init(.redis, .weak)),
    Exchange(name: "Redis integer", server: text(":1000\r\n"), found: .init(.redis, .weak)),
    Exchange(name: "Redis string", server: text("$5\r\nhello\r\n"), found: .init(.redis, .weak)),
    Exchange(name: "PostgreSQL startup", client: startup, found: .init(.postgresql, .strong)),
    Exchange(
      name: "PostgreSQL TLS", client: [0, 0, 0, 8, 4, 0xD2, 22, 47], server: text("S"),
      found: .init(.postgresql, .strong)),
    Exchange(name: "PostgreSQL query", client: postgres("Q", text("select 1\0")), found: .init(.postgresql, .weak)),
    Exchange(
      name: "PostgreSQL query and rows", client: postgres("Q", text("select 1\0")),
      server: postgres("T", Array(repeating: 0, count: 30)) + postgres("Z", text("I")),
      found: .init(.postgresql, .strong)),
    Exchange(
      name: "PostgreSQL pipeline", client: postgres("B", [0, 0]) + postgres("E", [0, 0, 0, 0, 0]) + postgres("S", []),
      server: postgres("2", []) + postgres("C", text("SELECT 1\0")), found: .init(.postgresql, .strong)),
    Exchange(name: "MySQL greeting", server: greeting, found: .init(.mysql, .strong)),
    Exchange(name: "MySQL query", client: mysql(0, [3] + text("select 1")), found: .init(.mysql, .weak)),
    Exchange(
      name: "MySQL query and answer", client: mysql(0, [3] + text("select 1")), server: mysql(1, [1]),
      found: .init(.mysql, .strong)),
    Exchange(
      name: "MySQL ping", client: mysql(0, [14]), server: mysql(1, [0, 0, 0, 2, 0, 0, 0]), found: .init(.mysql, .strong)
    ),
    Exchange(name: "DNS datagram", client: question, transport: .udp, port: 53, found: .init(.dns, .strong)),
    Exchange(name: "DNS, other port", client: question, transport: .udp, found: .init(.dns, .weak)),
    Exchange(name: "DNS, both ways", client: question, server: answer, transport: .udp, found: .init(.dns, .strong)),
    Exchange(name: "DNS stream", client: [0, UInt8(question.count)] + question, port: 53, found: .init(.dns, .strong)),
    Exchange(name: "Kafka", client: versions, found: .init(.kafka, .strong)),
    Exchange(
      name: "Kafka and answer", client: versions, server: kafka([0, 0, 0, 1, 0, 0]), found: .init(.kafka, .strong)),
    Exchange(name: "Kafka, wrong answer", client: versions, server: kafka([0, 0, 0, 2, 0, 0]), found: nil),
    Exchange(name: "SMTP", client: text("EHLO a.b\r\n"), server: text("220 mail ESMTP\r\n"), found: nil),
    Exchange(name: "SSH", client: text("SSH-2.0-OpenSSH_9\r\n"), server: text("SSH-2.0-OpenSSH_9\r\n"), found: nil),
    Exchange(name: "memcached", client: text("get key\r\n"), server: text("END\r\n"), found: nil),
    Exchange(name: "nothing", found: nil),
    Exchange(name: "zeros", client: Array(repeating: 0, count: 32), server: Array(repeating: 0, count: 32), found: nil),
    Exchange(name: "DNS of no name", client: Array(repeating: 0, count: 32), transport: .udp, port: 53, found: nil),
  ]

  private func detect(_ exchange: Exchange, isServer: Bool) -> ProtocolDetector.Finding? {
    let client = StreamBeginning(exchange.client, length: exchange.clientLength)
    let server = StreamBeginning(exchange.server, length: exchange.serverLength)
    return ProtocolDetector.detect(
      received: isServer ? client : server, sent: isServer ? server : client, transport: exchange.transport,
      localPort: isServer ? exchange.port : 50_000, remotePort: isServer ? 50_000 : exchange.port, isServer: isServer)
  }

  @Test(arguments: exchanges)
  func `a connection is named by its first bytes, from both ends`(exchange: Exchange) {
    #expect(detect(exchange, isServer: true) == exchange.found)
    #expect(detect(exchange, isServer: false) == exchange.found)
  }

  @Test func `bytes at random have no name`() {
    var random = SplitMix(state: 3)
    var strong = 0
    var weak = 0
    var bytes = [UInt8](repeating: 0, count: 32)
    for round in 0..<1_000_000 {
      for word in 0..<4 {
        let value = random.next()
        for byte in 0..<8 { bytes[word * 8 + byte] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(byte))) }
      }
      let client = StreamBeginning(bytes[..<(1 + round % 32)])
      let server = round % 2 == 0 ? StreamBeginning.none : StreamBeginning(bytes[(round % 16)...])
      let finding = ProtocolDetector.detect(
        received: client, sent: server, transport: round % 4 == 3 ? .udp : .tcp, localPort: round % 3 == 0 ? 53 : 80,
        remotePort: 50_000, isServer: true)
      if finding?.confidence == .strong { strong += 1 }
      if finding?.confidence == .weak { weak += 1 }
    }
    #expect(strong < 10)
    #expect(weak < 100)
  }

  @Test func `damaged beginnings do not trap`() {
    var random = SplitMix(state: 5)
    var found = 0
    for _ in 0..<200_000 {
      guard var exchange = Self.exchanges.randomElement(using: &random) else { continue }
      damage(&exchange.client, with: &random)
      damage(&exchange.server, with: &random)
      exchange.clientLength = Bool.random(using: &random) ? nil : Int.random(in: 0...70_000, using: &random)
      if detect(exchange, isServer: Bool.random(using: &random)) != nil { found += 1 }
    }
    #expect(found > 0)
  }

  private func damage(_ bytes: inout [UInt8], with random: inout SplitMix) {
    guard !bytes.isEmpty else { return }
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
    }
    bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
  }
}
