import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// What cannot be done is said in one line, with the code that sysexits.h has for it.
  @Suite struct FailureTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `a process that does not exist is 66`() throws {
      // One above the highest number that a process can have.
      let limit = try String(contentsOfFile: "/proc/sys/kernel/pid_max", encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)

      let result = try bench.run(bench.oncpu(["--pid", limit]))

      expectOneLine(result, status: 66, naming: limit)
    }

    @Test func `a command that does not exist is 66`() throws {
      let result = try bench.run(bench.oncpu(["--", "/no/such/command"]))

      expectOneLine(result, status: 66, naming: "/no/such/command")
    }

    @Test(arguments: [
      ["--no-such-flag"], ["--pid", "1", "--all"], ["--pid", "zero"], [], ["--all", "--freq", "0"],
      ["--all", "--duration", "10"], ["--all", "--folded", "--svg"],
    ])
    func `a command line that makes no sense is 64`(arguments: [String]) throws {
      let result = try bench.run(bench.oncpu(arguments))

      #expect(result.status == 64)
      // The parser adds the usage below its line.
      #expect(result.errors.hasPrefix("swprof: "))
      #expect(result.errors.split(separator: "\n").count == 1)
      #expect(result.output.isEmpty)
    }

    @Test func `an output file that cannot be made is 73, before anything is measured`() throws {
      let result = try bench.run(
        bench.oncpu(["--all", "--duration", "60s", "--svg", "-o", "/no/such/directory/x.svg"]), deadlineSeconds: 20)

      expectOneLine(result, status: 73, naming: "/no/such/directory/x.svg")
      #expect(try bench.tasks().isEmpty)
    }

    @Test func `an output file that takes no more bytes is 74`() throws {
      let result = try bench.run(bench.oncpu(["--all", "--duration", "200ms", "--folded", "-o", "/dev/full"]))

      expectOneLine(result, status: 74, naming: "/dev/full")
    }

    @Test func `a user without the capabilities is 77`() throws {
      // A copy, as the directory of the build may be closed to other users.
      let copy = bench.path("swprof")
      try FileManager.default.copyItem(atPath: bench.swprof, toPath: copy)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: copy)
      let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

      let result = try bench.run(nobody + [copy, "oncpu", "--no-store", "--all", "--duration", "200ms"])

      expectOneLine(result, status: 77, naming: "root")
    }

    @Test func `a disk that is full from the start is 74`() throws {
      let disk = try bench.mountTemporaryFileSystem("full", size: "256k")
      try fill(disk)

      let result = try bench.run([bench.swprof, "oncpu", "--db", "\(disk)/tasks.db", "--all", "--duration", "200ms"])

      expectOneLine(result, status: 74, naming: "\(disk)/tasks.db")
    }

    @Test func `a disk that fills up during the capture is 74, and the result is printed all the same`() throws {
      let disk = try bench.mountTemporaryFileSystem("filling", size: "1m")
      let database = "\(disk)/tasks.db"
      let workload = try bench.startWorkload([try bench.compile("split")])
      let capture = try bench.start([
        bench.swprof, "oncpu", "--db", database, "--pid", "\(workload.pid)", "--duration", "3s", "--folded",
      ])
      try waitUntil("a running task in \(database)") {
        try bench.run([bench.swprof, "tasks", "--db", database]).output.contains("running")
      }
      try fill(disk)

      let result = try capture.wait()

      // The account of the result that was printed, and the failure.
      #expect(result.status == 74)
      #expect(result.errorLines.count == 2)
      #expect(result.errorLines.first?.contains("samples: ") ?? false)
      #expect(result.errorLines.last?.contains(database) ?? false)
      #expect(try FoldedStacks(result.output).count(leaf: "burn_three") > 0)
    }

    @Test func `a file that is no database is refused and left as it is`() throws {
      let text = "This was never a database, and is longer than the header of one would be.\n"
      try text.write(toFile: bench.database, atomically: false, encoding: .utf8)

      let result = try bench.run(bench.oncpu(["--all", "--duration", "200ms"]))

      expectOneLine(result, status: 65, naming: bench.database)
      #expect(try String(contentsOfFile: bench.database, encoding: .utf8) == text)
    }

    @Test func `a task that does not exist is 66`() throws {
      try #require(try bench.run(bench.oncpu(["--all", "--duration", "100ms"])).status == 0)

      let result = try bench.run([bench.swprof, "report", "4711", "--db", bench.database])

      expectOneLine(result, status: 66, naming: "4711")
    }

    private func fill(_ directory: String) throws {
      _ = try bench.run(["dd", "if=/dev/zero", "of=\(directory)/filler", "bs=4096"])
      let result = try bench.run(["sh", "-c", "echo x > \(directory)/probe"])
      try #require(result.status != 0, "the disk is full")
    }

    private func expectOneLine(
      _ result: CommandResult, status: Int32, naming text: String, at location: SourceLocation = #_sourceLocation
    ) {
      #expect(result.status == status, "\(result.errors)", sourceLocation: location)
      #expect(result.errorLines.count == 1, "\(result.errors)", sourceLocation: location)
      #expect(result.errors.hasPrefix("swprof: "), "\(result.errors)", sourceLocation: location)
      #expect(result.errors.contains(text), "\(result.errors)", sourceLocation: location)
    }
  }
}
