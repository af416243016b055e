import CommandRunning
import Foundation
import Testing

/// Files of other programs, as `report --from` and `diff` take them.
@Suite struct ImportTests {
  private let desk: CommandDesk

  init() throws { desk = try CommandDesk() }

  private func write(_ bytes: [UInt8], _ name: String = "profile") throws -> String {
    try Data(bytes).write(to: URL(filePath: desk.path(name)))
    return desk.path(name)
  }

  private func write(_ text: String, _ name: String = "profile") throws -> String { try write(Array(text.utf8), name) }

  private func headline(_ path: String, _ options: [String] = []) throws -> String {
    let result = try desk.run(["report", "--from", path] + options)
    #expect(result.status == 0, "\(result.errors)")
    return String(result.output.split(separator: "\n").first ?? "")
  }

  @Test func `samples of perf's freq mode weigh by their periods in every format`() throws {
    let path = try write(
      (0..<20).map { "w     7  1.\($0 + 10):          1 page-faults: \n\t            1270 rare (/w)\n\n" }.joined()
        + "w     7  1.9:       1980 page-faults: \n\t            1280 hot (/w)\n\n")

    #expect(try headline(path) == "the profile has 99 % of its 2,000 page-faults in hot")
    #expect(try desk.run(["report", "--from", path, "--folded"]).output == "w;hot 1980\nw;rare 20\n")
    let svg = try desk.run(["report", "--from", path, "--svg"]).output
    #expect(svg.contains("hot (1,980 page-faults, 99.00 %)"))
    let page = try desk.run(["report", "--from", path, "--html"]).output
    #expect(page.contains("<h1>the profile has 99 % of its 2,000 page-faults in hot</h1>"))
    #expect(!page.contains("reach their root"))
    // Both numbers are kept for those who ask.
    let json = try desk.run(["report", "--from", path, "--json"]).output
    #expect(json.contains("\"amount_of\": \"page-faults\""))
    let again = try desk.run(["report", "--from", path, "--perf-script"]).output
    #expect(try headline(write(again, "again")) == "the profile has 99 % of its 2,000 page-faults in hot")
    let pprof = desk.path("again.pb.gz")
    #expect(try desk.run(["report", "--from", path, "--pprof", "-o", pprof]).status == 0)
    #expect(try headline(pprof) == "the profile has 99 % of its 2,000 page-faults in hot")
    #expect(try headline(pprof, ["--event", "samples"]) == "the profile spent 95 % of its 21 samples in rare")
  }

  @Test func `an event is chosen, and a wrong one is a usage error with the others`() throws {
    let path = try write("a 1/1 1.0: cycles:\n\t12 f\n\na 1/1 1.1: page-faults:\n\t13 g\n\n")

    let result = try desk.run(["report", "--from", path])
    #expect(result.output.contains("1 samples in f"))
    #expect(result.errorLines.count == 1)
    #expect(result.errors.contains("--event"))
    #expect(try headline(path, ["--event", "page-faults"]).contains("in g"))
    let wrong = try desk.run(["report", "--from", path, "--event", "x"])
    #expect(wrong.status == 64)
    #expect(wrong.errors == "swprof: '\(path)' has no event 'x'; it has cycles, page-faults\n")
    #expect(try desk.run(["report", "--from", desk.stacks, "--event", "x"]).status == 64)
  }

  @Test func `a text is read whatever its coding and compression`() throws {
    let text = "main;foo 5\nmain;bar 6\n"
    let utf16 = [UInt8]([0xFF, 0xFE]) + text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    let expected = "the profile spent 55 % of its 11 samples in bar"

    #expect(try headline(write(text)) == expected)
    #expect(try headline(write(utf16)) == expected)
    #expect(try headline(write([0xEF, 0xBB, 0xBF] + Array(text.utf8))) == expected)
    #expect(try headline(write(text.replacing("\n", with: "\r\n"))) == expected)
    #expect(try headline(write(text.replacing(" ", with: "\t"))) == expected)
    let plain = try write(text)
    #expect(
      try desk.shell("gzip -c \(plain) > \(plain).gz; $SWPROF report --from \(plain).gz").output.hasPrefix(expected))
    let perf = try write("w 7 1.5: cycles: \n\t            1270 hot (/w)\n\n")
    #expect(try desk.shell("gzip -c \(perf) | $SWPROF report --from -").output.contains("1 samples in hot"))
    // A name may begin as gzip, a byte order mark or a protocol buffer does.
    for start in [[0x1F, 0x8B], [0xFF, 0xFE], [0x0A], [0x12], [0x0A, 0x00]] as [[UInt8]] {
      #expect(try headline(write(start + Array(";foo 5\nmain;bar 6\n".utf8))) == expected)
    }
  }

  @Test func `fractions keep their shares`() throws {
    #expect(
      try headline(write("main;foo 0.25\nmain;bar 0.75\nmain;baz 1.49\n"))
        == "the profile has 60 % of its 249 hundredths of samples in baz")
  }

  @Test func `our own difference is read back as both sides`() throws {
    let old = try write("app;main;parse 70\napp;main;print 30\n", "old")
    let new = try write("app;main;parse 70\napp;main;new 130\n", "new")
    let difference = try desk.run(["diff", old, new, "--folded"]).output
    let path = try write(difference, "difference.folded")

    #expect(try desk.run(["report", "--from", path, "--folded"]).output == difference)
    #expect(try desk.run(["diff", path, "--folded"]).output == difference)
    let text = try desk.run(["report", "--from", path]).output
    #expect(text.contains("1 run (100 samples) with 1 run (200 samples)"))
    #expect(text == (try desk.run(["diff", path]).output))
    let svg = try desk.run(["report", "--from", path, "--svg"]).output
    #expect(svg.contains("vanished, 30.00 %"))
    // One side alone is not what the file says.
    for arguments in [["report", "--from", path, "--pprof"], ["diff", path, new], ["diff", new]] {
      let result = try desk.run(arguments)
      #expect(result.status == 64)
      #expect(result.errorLines.count == 1)
    }
  }

  @Test func `a heap's headline is in bytes, and times are times`() throws {
    let go = try desk.shell(
      """
      mkdir heap && cd heap && cat > main.go <<'EOF'
      package main
      import ("os"; "runtime"; "runtime/pprof")
      var kept [][]byte
      //go:noinline
      func grow() { for i := 0; i < 64; i++ { kept = append(kept, make([]byte, 1<<20)) } }
      func main() { runtime.MemProfileRate = 1; grow(); runtime.GC(); f, _ := os.Create(os.Args[1]); pprof.Lookup("heap").WriteTo(f, 0); f.Close()
        f, _ = os.Create(os.Args[2]); pprof.Lookup("heap").WriteTo(f, 1); f.Close() }
      EOF
      GOCACHE=$PWD/cache GOFLAGS=-mod=mod go run main.go ../heap.pb.gz ../heap.txt
      """)
    try #require(go.status == 0, "\(go.errors)")

    let line = try headline(desk.path("heap.pb.gz"))
    let found = try #require(line.firstMatch(of: /^the profile has (\d+) % of its ([\d,]+) bytes in main\.grow$/))
    #expect(Int(found.1) ?? 0 >= 95)
    // 64 MiB are kept, and little else.
    #expect((Int(found.2.replacing(",", with: "")) ?? 0) / (1 << 20) == 64)
    let objects = try headline(desk.path("heap.pb.gz"), ["--event", "inuse_objects"])
    #expect(objects.contains(" inuse_objects in "))

    // The older form is told, and what is told works.
    let legacy = try desk.run(["report", "--from", desk.path("heap.txt")])
    #expect(legacy.status == 65)
    #expect(legacy.errors.contains("go tool pprof -proto -output=profile.pb.gz PROGRAM"))
  }

  @Test func `what is no profile is one line that says what to do`() throws {
    let cases: [([UInt8], String)] = [
      ([0x28, 0xB5, 0x2F, 0xFD, 0, 1, 2], "zstd -dc"), (Array("PERFILE2\u{0}\u{1}".utf8), "perf script -i"),
      ([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x4B], "damaged or cut short"), (Array("{}\n".utf8), "is JSON"),
    ]
    for (bytes, text) in cases {
      let result = try desk.run(["report", "--from", write(bytes)])
      #expect(result.status == 65, "\(text)")
      #expect(result.errorLines.count == 1)
      #expect(result.errors.contains(text), "\(result.errors)")
    }
    let device = try desk.run(["report", "--from", "/dev/zero"])
    #expect(device.status == 66)
    #expect(device.errors.contains("it is a device"))
  }

  @Test func `pipes are read by any name`() throws {
    #expect(try desk.shell("$SWPROF report --from <(cat \(desk.stacks))").output.contains("100 samples in parse"))
    #expect(try desk.shell("cat \(desk.stacks) | $SWPROF report --from /dev/stdin").output.contains("in parse"))
    #expect(try desk.shell("$SWPROF report --from - < \(desk.stacks)").output.contains("in parse"))
  }

  @Test func `random bytes are a profile or one line, and never a trap`() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20 {
      let bytes = (0..<Int.random(in: 0...3000, using: &generator)).map { _ in
        UInt8.random(in: .min ... .max, using: &generator)
      }
      let result = try desk.run(["report", "--from", write(bytes)])
      #expect([0, 64, 65].contains(result.status), "\(result.status)")
    }
  }
}
