import CHTTP
import SeededRandom

/// Both directions of a connection made up at random, with what a reader must find in them.
struct Conversation {
  private(set) var requests: [UInt8] = []
  private(set) var responses: [UInt8] = []
  private(set) var requestTruth: [ReadMessage] = []
  private(set) var responseTruth: [ReadMessage] = []
  private(set) var methods: [http_method] = []
  private var random: SplitMix
  private static let methodNames: [(String, http_method)] = [
    ("GET", HTTP_GET), ("HEAD", HTTP_HEAD), ("POST", HTTP_POST), ("PUT", HTTP_PUT), ("DELETE", HTTP_DELETE),
    ("OPTIONS", HTTP_OPTIONS), ("TRACE", HTTP_TRACE), ("PATCH", HTTP_PATCH), ("PROPFIND", HTTP_OTHER),
    ("M-SEARCH", HTTP_OTHER), ("UPDATEREDIRECTREF", HTTP_OTHER),
  ]

  init(seed: UInt64) {
    random = SplitMix(state: seed)
    for _ in 0..<Int.random(in: 1...5, using: &random) {
      addRequest()
      addResponse()
    }
  }

  private mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

  private mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[Int.random(in: 0..<choices.count, using: &random)]
  }

  private mutating func word(upTo length: Int) -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+,;=:@ü")
    return String((0..<Int.random(in: 0...length, using: &random)).map { _ in pick(letters) })
  }

  private mutating func mixedCase(_ name: String) -> String {
    switch Int.random(in: 0..<3, using: &random) {
    case 0: name.lowercased()
    case 1: name.uppercased()
    default: String(name.map { chance(2) ? Character($0.uppercased()) : $0 })
    }
  }

  private mutating func lineEnd() -> String { chance(6) ? "\n" : "\r\n" }

  private mutating func space() -> String { pick(["", " ", " ", " ", "\t", "  \t"]) }

  private mutating func field(_ name: String, _ value: String) -> String {
    let fold = chance(8) ? "\r\n" + pick([" ", "\t"]) : ""
    return mixedCase(name) + ":" + fold + space() + value + space() + lineEnd()
  }

  /// Lines that say nothing, some of which begin like those that do.
  private mutating func noise() -> String {
    let names = [
      "Host", "Content-Type", "Content-Lengthy", "Connect", "Connections", "Transfer", "TE", "Trailer", "C", "T",
      "X-Content-Length", "Content-Encoding", "Cookie", "Transfer-Encodings", "contentXlength",
    ]
    var lines = ""
    for _ in 0..<Int.random(in: 0...4, using: &random) {
      let value = word(upTo: chance(10) ? 2000 : 30) + (chance(5) ? "\r\n 5, chunked, folded" : "")
      lines += field(pick(names), value)
    }
    return lines
  }

  /// The lines that frame a body, and the body.
  private mutating func body() -> (lines: String, bytes: String, isChunked: Bool) {
    let content = String(repeating: "HTTP/1.1 5\r\n\r\nGET / ", count: Int.random(in: 0...40, using: &random))
    guard chance(2) else {
      let length = field("Content-Length", pick(["", "00"]) + String(content.utf8.count))
      return ((chance(6) ? length : "") + length, content, false)
    }
    var rest = Array(content)[...]
    var bytes = ""
    while !rest.isEmpty {
      let piece = String(rest.prefix(Int.random(in: 1...300, using: &random)))
      rest = rest.dropFirst(piece.count)
      let size = String(piece.utf8.count, radix: 16, uppercase: chance(2))
      bytes += pick(["", "000"]) + size + pick(["", ";a=b;c", " ; x=\"y\"", " "]) + lineEnd() + piece + lineEnd()
    }
    bytes += pick(["0", "000"]) + pick(["", ";last"]) + lineEnd()
    if chance(3) { bytes += "Content-Length: 9" + lineEnd() + noise() }
    let coding = field("Transfer-Encoding", pick(["", "gzip, ", "gzip ,,"]) + mixedCase("chunked") + pick(["", " ,"]))
    return ((chance(6) ? "Content-Length: 7\r\n" : "") + coding, bytes + lineEnd(), true)
  }

  private mutating func addRequest() {
    let (name, method) = pick(Self.methodNames)
    let path = "/" + word(upTo: chance(5) ? 300 : 40)
    let minor = Int.random(in: 0...1, using: &random)
    let query = pick(["", "", "?", "?a=/b?c", "#x", "?" + String(repeating: "long", count: 200)])
    let host = pick(["", "", "http://example.com:80", "HTTPS://[::1]"])
    var truth = ReadMessage(method: method, path: path, pathHash: hash(path), version: 10 + minor)
    truth.path = String(decoding: path.utf8.prefix(Int(HTTP_PATH_SIZE)), as: UTF8.self)
    var head = "\(name) \(host)\(path)\(query) HTTP/1.\(minor)\(lineEnd())" + noise()
    let (lines, bytes, _) = chance(2) ? body() : ("", "", false)
    head += lines + field("Connection", pick(["keep-alive", "close", "Upgrade"])) + noise() + lineEnd()
    requests += Array(pick(["", "", "", "\r\n", "\n\r\n"]).utf8)
    truth.start = requests.count
    requests += Array(head.utf8)
    truth.headEnd = requests.count
    requests += Array(bytes.utf8)
    truth.end = requests.count
    requestTruth.append(truth)
    methods.append(method)
  }

  private mutating func addResponse() {
    while chance(4) { add(status: pick([100, 102, 103]), lines: noise(), bytes: "") }
    let status = pick([200, 200, 201, 204, 206, 301, 304, 400, 404, 500, 503, 599])
    let (lines, bytes, _) = body()
    let isEmpty = methods.last == HTTP_HEAD || status == 204 || status == 304
    add(status: status, lines: noise() + lines + noise(), bytes: isEmpty ? "" : bytes)
  }

  private mutating func add(status: Int, lines: String, bytes: String) {
    let minor = Int.random(in: 0...1, using: &random)
    var truth = ReadMessage(pathHash: hash(""), status: status, version: 10 + minor)
    truth.start = responses.count
    responses += Array("HTTP/1.\(minor) \(status)\(pick([" OK", " ", "", " Not  Found"]))\(lineEnd())".utf8)
    responses += Array((lines + lineEnd()).utf8)
    truth.headEnd = responses.count
    responses += Array(bytes.utf8)
    truth.end = responses.count
    responseTruth.append(truth)
  }
}
