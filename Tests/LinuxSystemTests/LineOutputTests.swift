import Glibc
import LinuxSystem
import Testing

/// Lines of a watch, whose reader may do anything.
@Suite struct LineOutputTests {
  private struct Pipe {
    let reading: Int32
    let writing: Int32

    init() throws {
      _ = Glibc.signal(SIGPIPE, SIG_IGN)
      var ends: [Int32] = [-1, -1]
      try #require(pipe(&ends) == 0)
      (reading, writing) = (ends[0], ends[1])
    }

    func read() -> String {
      var bytes = [UInt8](repeating: 0, count: 1 << 20)
      let count = Glibc.read(reading, &bytes, bytes.count)
      return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
  }

  @Test func `a line is written at once`() throws {
    let pipe = try Pipe()
    let output = LineOutput(pipe.writing)
    output.send("a\n")
    output.send("b\n")

    #expect(pipe.read() == "a\nb\n")
    #expect(output.takeNews() == [])
  }

  @Test func `a reader that is gone is told once, and nothing is kept for it`() throws {
    let pipe = try Pipe()
    close(pipe.reading)
    let output = LineOutput(pipe.writing)
    for _ in 0..<10 { output.send("a\n") }

    #expect(output.takeNews() == [.readerGone])
    #expect(!output.isBehind)
  }

  @Test func `a closed descriptor is as a reader that is gone`() throws {
    let pipe = try Pipe()
    let output = LineOutput(fcntl(pipe.writing, F_DUPFD, 900) + 50)
    output.send("a\n")

    #expect(output.takeNews() == [.readerGone])
  }

  @Test func `a disk without room is told once, and lines wait for it`() throws {
    // Every write to it fails with ENOSPC (full(4)).
    let full = try OpenFile("/dev/full", flags: O_WRONLY)
    let output = LineOutput(full.descriptor)
    for _ in 0..<10 { output.send("a\n") }

    #expect(output.takeNews() == [.failed(.noSpace)])
    #expect(output.isBehind)
    output.flush(waitingMilliseconds: 10_000)
    #expect(output.takeNews() == [])
  }

  @Test(arguments: [false, true])
  func `a reader that takes nothing is not waited for, and gets all lines in their order later`(isNonBlocking: Bool)
    throws
  {
    let pipe = try Pipe()
    if isNonBlocking { _ = fcntl(pipe.writing, F_SETFL, O_NONBLOCK) }
    let output = LineOutput(pipe.writing)
    // More than a pipe holds (pipe(7): 64 KiB).
    let lines = (0..<30_000).map { "line \($0)\n" }
    for line in lines { output.send(line) }
    #expect(output.isBehind)
    var text = ""
    while output.isBehind {
      text += pipe.read()
      output.flush()
    }
    text += pipe.read()

    #expect(text == lines.joined())
    #expect(output.takeNews() == [])
  }

  @Test func `what finds no room in memory is counted, and told when there is room`() throws {
    let pipe = try Pipe()
    let output = LineOutput(pipe.writing, limit: 100_000)
    let line = String(repeating: "x", count: 999) + "\n"
    for _ in 0..<300 { output.send(line) }
    #expect(output.takeNews() == [])
    var count = 0
    while output.isBehind {
      count += pipe.read().utf8.count
      output.flush()
    }
    count += pipe.read().utf8.count

    #expect(count % 1000 == 0)
    #expect(output.takeNews() == [.linesLost(300 - count / 1000)])
  }
}
