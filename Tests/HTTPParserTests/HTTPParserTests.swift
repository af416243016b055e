import CHTTP
import SeededRandom
import Testing

/// The kernel side's HTTP parser, run here.
struct HTTPParserTests {
  private static let requests =
    "GET /a/b?c=d HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n\r\n"
    + "POST http://host:80/form HTTP/1.0\r\nCONTENT-length:\t5 \r\nContent-Type: y\r\n\r\nhello"
    + "PUT /chunks HTTP/1.1\nTransfer-Encoding: gzip,\r\n Chunked\n\n5;x=y\r\nhello\r\n00a\r\n0123456789\r\n0\r\nA: b\r\n\r\n"
  private static let responses =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3, 3\r\n\r\nabc"
    + "HTTP/1.1 204\r\nContent-Length: 9\r\n\r\nHTTP/1.0 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"

  private func read(
    _ text: String, isResponse: Bool = false, methods: [http_method] = [], pieces: [Int] = []
  ) -> StreamReader {
    var reader = StreamReader(isResponse: isResponse, methods: methods)
    var rest = Array(text.utf8)[...]
    for piece in pieces {
      reader.read(rest.prefix(piece))
      rest = rest.dropFirst(piece)
    }
    reader.read(rest)
    return reader
  }

  @Test func `a request says its method, path and version, and ends behind its head`() {
    let text = "DELETE /users/7?force=1 HTTP/1.1\r\nHost: x\r\n\r\n"

    let reader = read(text)

    #expect(
      reader.messages == [
        ReadMessage(
          headEnd: text.utf8.count, end: text.utf8.count, method: HTTP_DELETE, path: "/users/7",
          pathHash: hash("/users/7"), version: 11)
      ])
  }

  @Test(arguments: [false, true])
  func `a head cut at every byte is read the same`(isResponse: Bool) {
    let text = isResponse ? Self.responses : Self.requests
    let whole = read(text, isResponse: isResponse)

    #expect(whole.messages.count == (isResponse ? 4 : 3))
    #expect(whole.messages.allSatisfy { $0.end != nil })
    for cut in 0...text.utf8.count {
      #expect(read(text, isResponse: isResponse, pieces: [cut]).messages == whole.messages)
    }
    let bytewise = read(text, isResponse: isResponse, pieces: Array(repeating: 1, count: text.utf8.count))
    #expect(bytewise.messages == whole.messages)
  }

  @Test func `conversations made up at random are read as they were made, however they are cut`() {
    for seed in 0..<1000 {
      let conversation = Conversation(seed: UInt64(seed))
      var random = SplitMix(state: UInt64(seed))
      for isResponse in [false, true] {
        var reader = StreamReader(isResponse: isResponse, methods: conversation.methods)
        var rest = (isResponse ? conversation.responses : conversation.requests)[...]
        let longest = [3, 50, 300, 5000].randomElement(using: &random) ?? 1
        while !rest.isEmpty {
          let piece = rest.prefix(Int.random(in: 1...longest, using: &random))
          reader.read(piece, skips: Bool.random(using: &random))
          rest = rest.dropFirst(piece.count)
        }
        let truth = isResponse ? conversation.responseTruth : conversation.requestTruth
        #expect(reader.losses == 0, "seed \(seed)")
        guard reader.messages == truth else {
          Issue.record("seed \(seed), response \(isResponse): \(reader.messages) instead of \(truth)")
          return
        }
      }
    }
  }

  @Test func `sixteen requests in one piece are sixteen messages`() {
    let reader = read(String(repeating: "GET / HTTP/1.1\r\n\r\n", count: 16))

    #expect(reader.messages.count == 16)
    #expect(reader.messages.last?.end == 16 * 18)
    #expect(reader.losses == 0)
  }

  static let preambles: [[UInt8]] = [
    Array("PROXY TCP4 192.0.2.1 198.51.100.2 52114 443\r\n".utf8), Array("PROXY UNKNOWN\r\n".utf8),
    Array("PROXY TCP6 \(String(repeating: "f", count: 39)) \(String(repeating: "f", count: 39)) 65535 65535\r\n".utf8),
    Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x21, 0x11, 0, 12, 192, 0, 2, 1, 198, 51, 100, 2, 0xcb, 0x92, 1, 0xbb],
    Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x20, 0, 0, 0],
    Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x21, 0x21, 2, 8] + Array("GET / HTTP/1.1\r\n\r\n".utf8)
      + Array(repeating: 0, count: 502),
  ]

  @Test(arguments: preambles)
  func `a preamble of the PROXY protocol is left out, however it is cut`(preamble: [UInt8]) {
    let head = Array("DELETE /a HTTP/1.1\r\n\r\n".utf8)
    let expected = ReadMessage(
      start: preamble.count, headEnd: preamble.count + head.count, end: preamble.count + head.count,
      method: HTTP_DELETE, path: "/a", pathHash: hash("/a"), version: 11)

    for cut in 0...preamble.count {
      #expect(mayBegin(preamble.prefix(cut), isResponse: false))
      for skips in [false, true] {
        var reader = StreamReader(isResponse: false)
        reader.read(preamble.prefix(cut), skips: skips)
        reader.read(preamble.dropFirst(cut) + head, skips: skips)
        #expect(reader.messages == [expected])
        #expect(reader.losses == 0)
      }
    }
  }

  @Test func `line ends before a message are no preamble`() {
    #expect(read("\r\n\r\n\r\nGET /a HTTP/1.1\r\n\r\n").messages.map(\.path) == ["/a"])
    #expect(!mayBegin("\r\n\r\nGET / HTTP/1.1".utf8, isResponse: false))
  }

  @Test func `a header line of a megabyte is passed over`() {
    let reader = read(
      "GET /x HTTP/1.1\r\nCookie: \(String(repeating: "c", count: 1 << 20))\r\nContent-Length: 1\r\n\r\nx")

    #expect(reader.messages.count == 1)
    #expect(reader.messages.first?.end == reader.place)
  }

  @Test func `a path longer than is kept is hashed whole`() {
    let path = "/" + String(repeating: "p", count: 1000)

    let message = read("GET \(path)?q HTTP/1.1\r\n\r\n").messages.first

    #expect(message?.path == String(path.prefix(Int(HTTP_PATH_SIZE))))
    #expect(message?.pathHash == hash(path))
  }

  @Test(arguments: [
    ("OPTIONS * HTTP/1.1\r\n\r\n", "*"), ("GET http://host HTTP/1.1\r\n\r\n", "/"),
    ("GET http://host?q=/x HTTP/1.1\r\n\r\n", "/"), ("GET https://u@h:1/p/q#f HTTP/1.1\r\n\r\n", "/p/q"),
    ("CONNECT host:443 HTTP/1.1\r\n\r\n", "host:443"),
  ])
  func `every form of a target has a path`(text: String, path: String) {
    let reader = read(text)

    #expect(reader.messages.map(\.path) == [path])
    #expect(reader.messages.map(\.pathHash) == [hash(path)])
    #expect(reader.messages.first?.end != nil)
  }

  @Test func `a response without framing ends with its connection`() {
    var reader = read("HTTP/1.0 200 OK\r\n\r\nuntil the end", isResponse: true)

    #expect(reader.messages.first?.end == nil)
    reader.close()
    #expect(reader.messages.first?.end == reader.place)
  }

  @Test func `a chunked coding that is not the last does not frame a message`() {
    let reader = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", isResponse: true)

    #expect(reader.messages.first?.end == nil)
    #expect(parser_skippable([reader.stream]) == .max)
  }

  @Test(arguments: [
    ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", HTTP_GET),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", HTTP_CONNECT),
  ])
  func `what follows an upgrade or a tunnel is not read`(head: String, method: http_method) {
    let reader = read(head + "HTTP/1.1 200 OK\r\n\r\n", isResponse: true, methods: [method])

    #expect(reader.messages.count == 1)
    #expect(reader.messages.first?.end == head.utf8.count)
    #expect(reader.losses == 0)
  }

  @Test(arguments: [
    "\0", "get / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET /\r\n", "GET  / HTTP/1.1\r\n",
    "GET / x HTTP/1.1\r\n",
    "GET relative HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nA: \0\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length:\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: 1 2\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", "GET / HTTP/1.1\r\n\rX",
    "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
    "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
  ])
  func `a stream that is not HTTP is given up, and taken up again where a message begins`(text: String) {
    var reader = read(text)
    let before = reader.messages.count

    #expect(reader.losses == 1)
    #expect(parser_is_seeking(&reader.stream))
    reader.read("GET /unseen HTTP/1.1\r\n\r\n".utf8)
    #expect(reader.messages.count == before)

    parser_resume(&reader.stream)
    reader.read("GET /seen HTTP/1.1\r\n\r\n".utf8)
    #expect(reader.messages.last?.path == "/seen")
    #expect(reader.messages.last?.end == reader.place)
  }

  @Test func `more bytes missing than may be skipped lose the framing`() {
    var reader = read("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n")

    #expect(parser_skippable(&reader.stream) == 10)
    #expect(parser_skip(&reader.stream, 4) == PARSER_MORE.rawValue)
    #expect(parser_skip(&reader.stream, 7) == PARSER_LOST.rawValue)
    #expect(parser_is_seeking(&reader.stream))
  }

  private func mayBegin(_ text: some Sequence<UInt8>, isResponse: Bool) -> Bool {
    let bytes = Array(text)
    let room = bytes + Array(repeating: 0, count: max(0, Int(PARSER_BEGIN_SIZE) - bytes.count))
    return parser_may_begin(room, UInt32(bytes.count), isResponse)
  }

  @Test func `the first bytes of a message, however few, may begin one`() {
    for text in ["GET /a HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT a.b:443 HTTP/1.1", "GET http://a/", "M-SEARCH *"] {
      for count in 0...text.utf8.count { #expect(mayBegin(text.utf8.prefix(count), isResponse: false)) }
    }
    for count in 0...12 { #expect(mayBegin("HTTP/1.1 200".utf8.prefix(count), isResponse: true)) }
    for text in [
      "get /", "G /", "EHLO a.b", "*3\r\n$3\r\nSET", "\u{16}\u{3}\u{1}", "QUERYLIKEVERYLONGTOKENS", "PING\r\n",
    ] {
      #expect(!mayBegin(text.utf8, isResponse: false))
    }
    #expect(!mayBegin("HTTP/2".utf8, isResponse: true))
  }

  @Test func `a typical request and response take few calls`() {
    let request = read("GET /index.html HTTP/1.1\r\nHost: a.b\r\n\r\n")
    let response = read("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 3\r\n\r\nabc", isResponse: true)

    // Start, end of the head, end of the message, and that there is no more.
    #expect(request.steps == 4)
    #expect(response.steps == 4)
  }

  @Test(arguments: [false, true])
  func `half a million damaged streams neither trap nor hang, and the next good message is read`(isResponse: Bool) {
    let bytes = Array((isResponse ? Self.responses : Self.requests).utf8)

    let fault = chttp_fuzz(bytes, UInt32(bytes.count), isResponse ? 1 : 0, isResponse ? 4 : 3, 500_000, 7)

    #expect(fault == CHTTP_NONE)
  }
}
