import Compression
import Foundation
import Testing

@testable import Importing

@Suite struct ByteFeedTests {
  /// A feed of bytes that come in pieces.
  private func feed(_ bytes: [UInt8], pieces: Int = 1000) throws -> ByteFeed {
    var rest = bytes[...]
    return try ByteFeed(name: "x") {
      let piece = rest.prefix(pieces)
      rest = rest.dropFirst(pieces)
      return Array(piece)
    }
  }

  private func all(_ feed: ByteFeed) throws -> [UInt8] { try feed.all(limitBytes: 1 << 24) ?? [] }

  private func utf16(_ text: String, isBigEndian: Bool, hasMark: Bool) -> [UInt8] {
    ((hasMark ? [0xFEFF] : []) + Array(text.utf16)).flatMap { unit -> [UInt8] in
      let bytes = [UInt8(unit >> 8), UInt8(unit & 0xFF)]
      return isBigEndian ? bytes : bytes.reversed()
    }
  }

  private let text = "main;λ 5\nmain;\u{1F525}x 6\n"

  @Test(arguments: [1, 3, 7, 4096])
  func `text comes out as UTF-8, whatever its coding and the length of its pieces`(pieces: Int) throws {
    let expected = Array(text.utf8)
    #expect(try all(feed(expected, pieces: pieces)) == expected)
    #expect(try all(feed([0xEF, 0xBB, 0xBF] + expected, pieces: pieces)) == expected)
    for isBigEndian in [false, true] {
      for hasMark in [false, true] {
        let bytes = utf16(hasMark ? text : "main;foo 5\nmain;bar 6\n", isBigEndian: isBigEndian, hasMark: hasMark)
        let decoded = try all(feed(bytes, pieces: pieces))
        #expect(decoded == (hasMark ? expected : Array("main;foo 5\nmain;bar 6\n".utf8)))
      }
    }
  }

  @Test func `halves of UTF-16 characters become U+FFFD`() throws {
    let bytes = utf16("a", isBigEndian: false, hasMark: true) + [0x00, 0xD8, 0x0A, 0x00, 0x00, 0xDC, 0x41]
    #expect(String(decoding: try all(feed(bytes)), as: UTF8.self) == "a\u{FFFD}\n\u{FFFD}\u{FFFD}")
  }

  @Test func `compressed text comes out, of several members and compressed twice`() throws {
    let bytes = Array(text.utf8)
    let gzip = try #require(Gzip.compress(bytes))
    #expect(try all(feed(gzip)) == bytes)
    #expect(try all(feed(gzip + gzip, pieces: 5)) == bytes + bytes)
    #expect(try all(feed(#require(Gzip.compress(gzip)))) == bytes)
    let recoded = try #require(Gzip.compress(utf16(text, isBigEndian: false, hasMark: true)))
    #expect(try all(feed(recoded)) == bytes)
  }

  @Test func `gzip's output is read as gzip reads it`() throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/gzip")
    process.arguments = ["-9"]
    let (input, output) = (Pipe(), Pipe())
    (process.standardInput, process.standardOutput) = (input, output)
    try process.run()
    let text = (0..<20_000).map { "main;f\($0 % 977);g\($0) \($0 + 1)\n" }.joined()
    let writer = Thread {
      try? input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
      try? input.fileHandleForWriting.close()
    }
    writer.start()
    let compressed = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(try all(feed(Array(compressed))) == Array(text.utf8))
  }

  @Test func `compressed text that is cut short is damaged, and no part of it is a result`() throws {
    let gzip = try #require(Gzip.compress((0..<100_000).flatMap { Array("main;f\($0 % 7919) \($0)\n".utf8) }))
    let cut = Array(gzip.prefix(gzip.count / 2))
    #expect(throws: ImportError.damaged(file: "x")) { try all(feed(cut, pieces: 4096)) }
    var broken = gzip
    broken[gzip.count / 2] ^= 0xFF
    broken[gzip.count / 2 + 1] ^= 0xFF
    #expect(throws: ImportError.damaged(file: "x")) { try all(feed(broken, pieces: 4096)) }
  }

  @Test func `text that begins as gzip and is none stays as it is`() throws {
    for start in [[0x1F, 0x8B], [0x1F, 0x8B, 0x08], [0xFF, 0xFE], [0xFE, 0xFF], [0x0A], [0x12]] as [[UInt8]] {
      let bytes = start + Array(";b 5\nmain 6\n".utf8)
      #expect(try all(feed(bytes)) == bytes)
    }
  }

  @Test func `any bytes come out or are an error`() throws {
    var generator = SystemRandomNumberGenerator()
    let gzip = try #require(Gzip.compress(Array(text.utf8)))
    for _ in 0..<500 {
      var bytes = [gzip, Array(text.utf8), utf16(text, isBigEndian: true, hasMark: true)].randomElement(
        using: &generator)!
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        bytes[bytes.indices.randomElement(using: &generator)!] = UInt8.random(in: .min ... .max, using: &generator)
      }
      bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator)))
      _ = try? all(feed(bytes, pieces: Int.random(in: 1...50, using: &generator)))
    }
  }

  @Test(arguments: [
    ("heap profile:    240:  1234 [ 3: 4] @ heap/1048576\n   1: 288 [ 1: 288] @ 0x12 0x13\n", "pprof"),
    ("goroutine profile: total 3\n1 @ 0x12 0x13\n", "pprof"), ("--- contentionz 1 ---\n", "pprof"),
    ("PERFILE2\u{0}\u{1}", "perf script"), ("{\"a\": 1}\n", "folded"),
  ])
  func `formats that are not read are told with what makes one of ours`(text: String, advice: String) throws {
    let error = try #require(OtherFormat.error(Array(text.utf8), file: "x"))
    #expect(error.description.contains(advice))
  }

  @Test(arguments: [4, 8], [false, true])
  func `a CPU profile of gperftools is told, of any machine`(size: Int, isBigEndian: Bool) throws {
    let words: [UInt64] = [0, 3, 0, 10_000, 0, 1, 1, 0x1234]
    let bytes = words.flatMap { word -> [UInt8] in
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
      return isBigEndian ? bytes.reversed() : bytes
    }
    #expect(OtherFormat.error(bytes, file: "x")?.description.contains("go tool pprof -proto") == true)
  }

  @Test(arguments: ["a;b 1\n", "heap profile: x;foo 12\n", "main 5\n", "--- 5\n", ""])
  func `other texts are not taken for such formats`(text: String) {
    #expect(OtherFormat.error(Array(text.utf8), file: "x") == nil)
  }
}
