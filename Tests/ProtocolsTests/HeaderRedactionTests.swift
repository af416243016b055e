import Protocols
import SeededRandom
import Glibc
import Testing

struct HeaderRedactionTests {
  private static let secret = "hunTer2Zq"
  /// Messages with the secret wherever one can be.
  private static let messages = [
    "GET /a?token=\(secret)&b=c HTTP/1.1\r\nAuthorization: Basic \(secret)\r\n\r\n",
    "\r\nGET http://user:\(secret)@host/?API_Key=\(secret)#x HTTP/1.1\r\nCOOKIE:\(secret);a=\(secret)\r\nHost: x\r\n\r\n",
    "GET /?%74oken=\(secret);a=\(secret)&pass%77ord=\(secret) HTTP/1.1\nproxy-authorization:\t\(secret)\n\n",
    "HTTP/1.1 200 OK\r\nSet-Cookie: sid=\(secret)\r\n\t\(secret)\r\n \(secret)\r\nLocation: /b?session_id=\(secret)\r\n\r\n",
    "POST / HTTP/1.1\r\nX-Api-Key : \(secret)\r\nMy_Secret:\(secret)\r\nx-SESSION-x: a\r\n \r\n \(secret)\r\n\r\n",
    "POST / HTTP/1.1\r\nReferer: https://me:\(secret)@x/?q=1&access_token=\(secret)\r\nA: b\rCookie: \(secret)\r\(secret)\r\n\r\n",
    "POST / HTTP/1.1\r\n Cookie: \(secret)\r\nPassword:\r\n\t\(secret)\r\nX-Amz-Security-Token: \(secret)\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 50\r\n\r\npassword=\(secret)&a=b&token=\(secret)",
  ]

  @Test func `values of secret headers and parameters are replaced, and others stay`() {
    let text = HeaderRedaction.text(
      "GET /a?token=abc&page=2 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc\r\nCookie: a=b\r\n  c=d\r\nAccept: */*\r\nContent-Length: 9\r\n\r\nbody: 1"
        .utf8)

    #expect(
      text == """
        GET /a?token=[redacted]&page=2 HTTP/1.1
        Host: x
        Authorization: [redacted]
        Cookie: [redacted]
        [redacted]
        Accept: */*
        Content-Length: 9

        body: 1
        """)
  }

  @Test(arguments: messages)
  func `no cut of a message shows its secret`(message: String) {
    let bytes = Array(message.utf8)

    for cut in 0...bytes.count {
      let text = HeaderRedaction.text(bytes.prefix(cut))
      // Not four letters of it either.
      #expect(!text.contains(Self.secret.prefix(4)), "\(cut): \(text)")
    }
    #expect(HeaderRedaction.text(bytes).contains(HeaderRedaction.placeholder))
  }

  @Test func `control bytes and what is not text are escaped`() {
    let bytes = Array("GET / HTTP/1.1\r\nX: \u{1B}[31m\tä\u{202E}\u{85}".utf8) + [0x00, 0xFF, 0xC3]

    #expect(HeaderRedaction.text(bytes) == #"GET / HTTP/1.1"# + "\n" + #"X: \x1B[31m\tä\u{202E}\u{85}\x00\xFF\xC3"#)
  }

  @Test func `a body is shown, without what looks like a secret header in it`() {
    let head = "POST / HTTP/1.1\nContent-Length: 20\n\n"
    #expect(HeaderRedaction.text((head + "Cookie: x\nA: b").utf8) == head + "Cookie: [redacted]\nA: b")
  }

  @Test func `a long body of separators takes no time`() {
    let head = Array("POST / HTTP/1.1\nContent-Length: 99999\n\n".utf8)
    for pattern in ["=", ":", "\"", "<", "//", "a=", "\"key\":[", "%25", "pin=", "'"] {
      let body = Array(String(repeating: pattern, count: 4096 / pattern.utf8.count).utf8)
      let start = threadTime()
      #expect(HeaderRedaction.text(head + body).hasPrefix("POST / HTTP/1.1\n"))
      // It takes some milliseconds in a debug build.
      #expect(threadTime() - start < 1_000_000_000, "pattern: \(pattern)")
    }
  }

  /// In ns.
  private func threadTime() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }

  @Test func `damaged messages neither trap nor write control bytes`() {
    var random = SplitMix(state: 11)
    for _ in 0..<20_000 {
      var bytes = Array((Self.messages.randomElement(using: &random) ?? "").utf8)
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let text = HeaderRedaction.text(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
      #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0.value != 0x7F })
    }
  }
}
