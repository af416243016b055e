import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  @Suite struct ShortLivedTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `the frames of processes that live 40 ms have names under a command`() throws {
      let stacks = try bench.capture(["--"] + (try loop()))

      try expectNamed(stacks)
    }

    @Test func `the frames of processes that live 40 ms have names under all`() throws {
      let capture = try bench.startCapture(["--all", "--folded", "--duration", "60s"])
      // The unwind tables of what runs anyway are built in the first moments.
      usleep(2_000_000)
      _ = try bench.run(try loop())
      capture.send(SIGINT)

      let result = try capture.wait()

      #expect(result.status == 0)
      try expectNamed(try FoldedStacks(result.output))
    }

    @Test func `the stacks of processes that live a millisecond are whole`() throws {
      let script = "i=0; while [ $i -lt 1000 ]; do /bin/true; i=$((i+1)); done"

      let stacks = try bench.capture(["--freq", "997", "--user", "--", "sh", "-c", script])

      // All but those that were taken before the tables of the shell and of its libraries were built.
      let walked = FoldedStacks(stacks: stacks.stacks.filter { !$0.userFrames.isEmpty })
      #expect(walked.total > 200)
      #expect(walked.percentage { !$0.isTruncated } >= 95)
    }

    @Test func `nothing is sampled before the command begins`() throws {
      let program = try bench.compile("short_lived")
      // The command is looked for in all of them before it is executed.
      let path = String(repeating: "/nonexistent:", count: 9000) + bench.directory.path
      let file = bench.path("capture.folded")
      let options = ["--folded", "-o", file, "--freq", "4999", "--", URL(filePath: program).lastPathComponent]

      let result = try bench.run(["/usr/bin/env", "PATH=\(path)"] + bench.oncpu(options))

      #expect(result.status == 0, "\(result.errors)")
      let stacks = try FoldedStacks(String(contentsOfFile: file, encoding: .utf8))
      #expect(stacks.total > 20)
      #expect(Set(stacks.stacks.map(\.processName)) == ["short_lived"])
    }

    @Test func `a program on its way into memory has no user stack`() throws {
      let program = try bench.compile("exec_again")

      let stacks = try bench.capture(["--freq", "4999", "--", program, "2"])

      // Linux 6.1 maps the program in one function, later releases in the other, which may have the first within.
      let loading = stacks.stacks.filter { !Set($0.names).isDisjoint(with: ["elf_map_[k]", "elf_load_[k]"]) }
      #expect(loading.count > 20)
      #expect(loading.allSatisfy { $0.userFrames.isEmpty })
    }

    /// A shell that runs a hundred processes, one after the other.
    private func loop() throws -> [String] {
      let program = try bench.compile("short_lived")
      return ["sh", "-c", "i=0; while [ $i -lt 100 ]; do \(program); i=$((i+1)); done"]
    }

    private func expectNamed(_ stacks: FoldedStacks) throws {
      let leaves = FoldedStacks(
        stacks: stacks.stacks.filter { $0.processName == "short_lived" && !$0.userFrames.isEmpty })
      // 100 x 40 ms x 99 Hz are 396, less what reading the clock takes; the loader's part comes on top.
      #expect(leaves.count { $0.userFrames.last == "burn_short" } >= 350)
      #expect(leaves.percentage { !($0.userFrames.last ?? "[").hasPrefix("[") } >= 99)
      // The first milliseconds of a process pass before the kernel side knows its code, more where much else is new.
      let walked = FoldedStacks(stacks: leaves.stacks.filter { $0.names[1] != "[truncated: unwind table not ready]" })
      #expect(walked.count { $0.userFrames.suffix(2).elementsEqual(["main", "burn_short"]) } >= 200)
      #expect(walked.percentage { $0.userFrames.suffix(2).elementsEqual(["main", "burn_short"]) } >= 90)
    }
  }
}
