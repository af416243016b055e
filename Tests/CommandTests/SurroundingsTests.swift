import CommandRunning
import Foundation
import Testing

/// What the program does where its surroundings lack what programs take for granted.
@Suite struct SurroundingsTests {
  private let desk: CommandDesk

  init() throws { desk = try CommandDesk() }

  /// Swift reads the arguments from /proc; without it, every command was the one without arguments.
  @Test func `without proc, arguments are those that were given`() throws {
    try #require(geteuid() == 0, "run as root; see 'swprof doctor'")
    try "app;main;parse 700\napp;main;print 30\n".write(toFile: desk.path("slow"), atomically: false, encoding: .utf8)
    let sides = (0..<5).map { _ in "--baseline \(desk.stacks) --candidate \(desk.path("slow"))" }
    for (arguments, status) in [
      ("--bogus", 64), ("report --from \(desk.stacks)", 0), ("report --from /no/such/file", 66),
      ("check \(sides.joined(separator: " "))", 1), ("--version", 0),
    ] as [(String, Int32)] {
      let usual = try desk.shell("$SWPROF \(arguments)")
      let result = try desk.shell("unshare -m sh -c 'mount -t tmpfs none /proc && exec $SWPROF \(arguments)'")

      #expect(usual.status == status, "\(arguments): \(usual.errors)")
      #expect(result.status == status, "\(arguments): \(result.errors)")
      #expect(result.output == usual.output)
    }
  }

  @Test(arguments: ["report --folded --from app.folded", "--help", "--version", "report --help"])
  func `a result that has nowhere to go is an error`(arguments: String) throws {
    for stream in [">&-", ">/dev/full"] {
      let result = try desk.shell("cd \(desk.directory.path) && $SWPROF \(arguments) \(stream)")

      #expect(result.status == 74, "\(stream)")
      #expect(result.errors.hasPrefix("swprof: cannot write standard output: "))
    }
  }

  @Test func `no file becomes a standard stream that is closed`() throws {
    let result = try desk.shell(
      "cd \(desk.directory.path) && $SWPROF report --folded --from /no/file -o a <&- >&- 2>&-; echo $?;"
        + "$SWPROF report --verbose --svg --from app.folded -o b.svg <&- >&- 2>&-; echo $?")

    #expect(result.output == "66\n0\n")
    let drawn = try String(contentsOfFile: desk.path("b.svg"), encoding: .utf8)
    #expect(drawn.hasPrefix("<svg"))
    #expect(drawn.hasSuffix("</svg>\n"))
    #expect(!FileManager.default.fileExists(atPath: desk.path("a")))
  }

  @Test func `a standard output that does not wait gets all of a result`() throws {
    let lines = (0..<20_000).map { "app;main;function_\($0) 1\n" }.joined()
    try lines.write(toFile: desk.stacks, atomically: false, encoding: .utf8)
    let reader = """
      import os, fcntl, subprocess, sys, time
      end, start = os.pipe()
      os.set_blocking(start, False)
      child = subprocess.Popen(sys.argv[1:], stdout=start)
      os.close(start)
      size = 0
      while data := os.read(end, 1000): size += len(data)
      print(child.wait(), size)
      """
    try reader.write(toFile: desk.path("reader.py"), atomically: false, encoding: .utf8)

    let result = try desk.shell("python3 \(desk.path("reader.py")) $SWPROF report --folded --from \(desk.stacks)")

    #expect(result.output == "0 \(lines.utf8.count)\n", "\(result.errors)")
  }
}
