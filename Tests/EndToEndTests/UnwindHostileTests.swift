import CommandRunning
import ELF
import Foundation
import LinuxSystem
import Testing

extension EndToEnd {
  /// Programs that make unwinding hard without meaning to, or with.
  @Suite struct UnwindHostileTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `a file that is mapped three hundred times is walked in each place`() throws {
      let program = try bench.compileWithoutFramePointers("many_mappings")
      let workload = try bench.startWorkload([program, "300"])

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "2s", "--user"])

      #expect(stacks.total > 200)
      #expect(stacks.percentage { $0.userFrames.suffix(2).elementsEqual(["main", "burn_mapped"]) } >= 95)
      #expect(stacks.percentage { !$0.isTruncated } >= 99)
    }

    @Test func `a program of two hundred megabytes is walked, in bounded memory`() throws {
      let source = bench.path("huge.s")
      try ".section .rodata\n.globl huge\nhuge: .byte 1\n.zero 209715200\n.section .note.GNU-stack\n"
        .write(toFile: source, atomically: true, encoding: .utf8)
      let program = try bench.compileWithoutFramePointers("alloca_recursion", options: [source, "-g"])
      let workload = try bench.startWorkload([program, "20"])
      #expect(try #require(FileManager.default.attributesOfItem(atPath: program)[.size] as? Int) > 200 << 20)

      let capture = try bench.start(
        ["/usr/bin/env", "python3", "-c", Self.peakMemory, bench.swprof, "oncpu", "--no-store", "--folded"]
          + [
            "--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s", "--user", "-o", bench.path("huge.folded"),
          ])

      let result = try capture.wait()
      #expect(result.status == 0)
      // A debug build with the tables of the C library; the program's own bytes would be twice that.
      #expect(try #require(Int(result.output.split(separator: "\n").last ?? "")) < 100 << 10)
      let stacks = try FoldedStacks(String(contentsOfFile: bench.path("huge.folded"), encoding: .utf8))
      #expect(stacks.percentage { !$0.isTruncated && $0.userFrames.contains("main") } >= 99)
    }

    /// Runs a command and prints its peak resident memory in KiB.
    static let peakMemory = """
      import os, sys
      child = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
      _, status, usage = os.wait4(child, 0)
      print(usage.ru_maxrss)
      sys.exit(os.waitstatus_to_exitcode(status))
      """

    @Test func `a program that is replaced while it runs is walked by its own tables`() throws {
      let program = try bench.compileWithoutFramePointers("alloca_recursion")
      let workload = try bench.startWorkload([program, "20"])
      let other = try bench.compileWithoutFramePointers("signal_handler")
      #expect(rename(other, program) == 0)

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s", "--user"])

      #expect(stacks.percentage { !$0.isTruncated && $0.userFrames.contains("main") } >= 99)
    }

    @Test(arguments: 0..<6)
    func `damaged unwind information costs stacks, and says so`(seed: Int) throws {
      let program = try bench.compileWithoutFramePointers("alloca_recursion")
      try damage(program, seed: UInt64(seed))
      let workload = try bench.startWorkload([program, "20"])

      let result = try bench.run(
        [bench.swprof, "oncpu", "--no-store", "--folded", "--pid", "\(workload.pid)", "--freq", "499"]
          + ["--duration", "1s", "--user"])

      #expect(result.status == 0)
      let stacks = try FoldedStacks(result.output)
      #expect(stacks.total > 100)
      let isTold = result.errors.contains("cut short") || result.errors.contains("unwind information")
      #expect(isTold == stacks.stacks.contains { $0.isTruncated } || result.errors.contains("unwind information"))
    }

    /// Writes over parts of the file's call frame information, from single bytes to all of it.
    private func damage(_ program: String, seed: UInt64) throws {
      let place = try #require(try ELFFile(ByteSource(OpenFile(program))).callFrameSection())
      let file = try FileHandle(forUpdating: URL(filePath: program))
      defer { try? file.close() }
      var state = seed &+ 1
      for _ in 0..<(1 << (2 * Int(seed))) {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        try file.seek(toOffset: place.offset + (state >> 33) % place.size)
        try file.write(contentsOf: [UInt8(truncatingIfNeeded: state >> 24)])
      }
    }

    @Test func `frame pointers alone can be asked for`() throws {
      let workload = try bench.startWorkload([try bench.compileWithoutFramePointers("alloca_recursion"), "20"])
      func capture(_ how: String) throws -> FoldedStacks {
        try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s", "--user", "--unwind", how])
      }

      #expect(try capture("fp").percentage { $0.isTruncated } >= 95)
      #expect(try capture("dwarf").percentage { !$0.isTruncated } >= 99)
      #expect(try capture("auto").percentage { !$0.isTruncated } >= 99)
    }

    @Test func `a kernel that does not load the walk is told, and frame pointers are used`() throws {
      let workload = try bench.startWorkload([try bench.compile("recursion"), "20"])
      let arguments = ["--pid", "\(workload.pid)", "--duration", "1s", "--without-feature", "unwind-tables"]

      let summary = try bench.run(bench.oncpu(arguments))
      let forced = try bench.run(bench.oncpu(arguments + ["--unwind", "dwarf"]))

      #expect(summary.status == 0)
      #expect(summary.output.contains("user and kernel stacks (fp)"))
      #expect(summary.output.contains("stacks were walked by frame pointers"))
      #expect(forced.status == 69)
      #expect(forced.errorLines.count == 1)
    }
  }
}
