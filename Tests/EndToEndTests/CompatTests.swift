import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// 32-bit code, whose words have 4 bytes: programs of its own, and parts of 64-bit programs.
  @Suite struct CompatTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    private static let mark = "[truncated: 32-bit code, frames may be missing]"

    /// A 32-bit program needs no 32-bit C library.
    private func compile(framePointers: Bool = true, options: [String] = []) throws -> String {
      let options =
        [
          "-m32", "-march=i686", "-nostdlib", "-static", "-ffreestanding", "-fno-pie", "-no-pie",
          "-fno-stack-protector",
        ]
        + options
      return framePointers
        ? try bench.compile("narrow", options: options)
        : try bench.compileWithoutFramePointers("narrow", options: options + ["-fno-optimize-sibling-calls"])
    }

    /// The frames above the root of a stack.
    private func frames(_ stack: FoldedStacks.Stack) -> [String] {
      Array(stack.userFrames).filter { $0 != Self.mark }
    }

    private let callers = ["_start", "run", "outer", "middle"]

    @Test func `a 32-bit program is walked to its root, and said to be one`() throws {
      let workload = try bench.startWorkload([try compile(), "burn", "60000"])
      let file = bench.path("burn.folded")

      let result = try bench.run(
        bench.oncpu(["--folded", "-o", file, "--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s"]))

      try #require(result.status == 0, "\(result.errors)")
      let stacks = try FoldedStacks(String(contentsOfFile: file, encoding: .utf8))
      #expect(stacks.total > 100)
      #expect(stacks.percentage { frames($0) == callers + ["spin"] } >= 98)
      #expect(stacks.percentage { $0.isTruncated } <= 1)
      #expect((result.output + result.errors).contains("'narrow' (process \(workload.pid)): 32-bit code"))
    }

    @Test func `without frame pointers, no 32-bit stack that lacks a caller calls itself whole`() throws {
      let workload = try bench.startWorkload([try compile(framePointers: false), "burn", "60000"])

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s"])

      #expect(stacks.count(leaf: "spin") > 100)
      #expect(
        stacks.stacks.allSatisfy { stack in
          stack.names[1] == Self.mark
            || frames(stack).starts(with: callers.prefix(frames(stack).count))
              && frames(stack).count >= callers.count
        })
      // Nothing is invented.
      let own = callers + ["spin", "now_ms"]
      #expect(stacks.stacks.allSatisfy { frames($0).allSatisfy(own.contains) }, "\(stacks.stacks.map(\.names))")
    }

    @Test func `a 64-bit program that makes way for a 32-bit one is followed`() throws {
      let program = try compile()
      let script = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exec \(program) burn 700"

      let stacks = try bench.capture(["--freq", "499", "--", "sh", "-c", script])

      let narrow = FoldedStacks(stacks: stacks.stacks.filter { $0.processName == "narrow" })
      #expect(narrow.total > 50)
      #expect(narrow.percentage { frames($0) == callers + ["spin"] } >= 95)
      #expect(stacks.count { $0.processName == "sh" && !$0.isTruncated } > 0)
    }

    @Test func `a 64-bit program that jumps to 32-bit code keeps the stacks of both apart`() throws {
      for mode in [[], ["zero"]] {
        let workload = try bench.startWorkload([try bench.compile("far_code", options: ["-no-pie"])] + mode)

        let stacks = try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s"])

        let narrow = stacks.stacks.filter { $0.names.contains("narrow_inner") }
        #expect(narrow.reduce(0) { $0 + $1.count } > 50)
        #expect(
          narrow.allSatisfy {
            Array($0.userFrames) == [Self.mark, "narrow_entry", "narrow_outer", "narrow_inner"]
          }, "\(narrow.map(\.names))")
        let wide = FoldedStacks(stacks: stacks.stacks.filter { $0.names.contains("wide_spin") })
        #expect(wide.total > 50)
        #expect(wide.percentage { $0.userFrames.suffix(3).elementsEqual(["main", "wide_outer", "wide_spin"]) } >= 98)
        #expect(wide.percentage { $0.isTruncated } <= 1)
        workload.kill()
      }
    }

    @Test func `behind a 32-bit signal handler stands what it interrupted`() throws {
      let workload = try bench.startWorkload([try compile(), "signal", "60000"])

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s"])

      let handled = FoldedStacks(stacks: stacks.stacks.filter { $0.names.contains("handle") })
      #expect(handled.total > 100)
      // The code that ends a handler is in the 32-bit vDSO, which the 64-bit one has no part in.
      let expected = callers + ["interrupted", "__kernel_rt_sigreturn", "handle"]
      let old = callers + ["interrupted", "__kernel_sigreturn", "handle"]
      #expect(handled.percentage { frames($0) == expected || frames($0) == old } >= 95, "\(stacks.stacks.map(\.names))")
    }

    @Test(arguments: [("nap", "nap"), ("vdso", "nap_by_vdso")])
    func `waits of a 32-bit program have their stacks`(mode: String, function: String) throws {
      let file = bench.path("waits.folded")

      let result = try bench.run(
        bench.offcpu([
          "--folded", "--by", "count", "-o", file, "--min-block", "1ms", "--", try compile(), mode, "500",
        ]))

      try #require(result.status == 0, "\(result.errors)")
      let stacks = try FoldedStacks(String(contentsOfFile: file, encoding: .utf8))
      let words = result.output.split(whereSeparator: \.isWhitespace)
      let naps = try #require(zip(words, words.dropFirst()).first { $0.0 == "naps" }.flatMap { Int($0.1) })
      let own = stacks.stacks.filter { $0.names.contains(function) }
      #expect((naps - 2...naps).contains(own.reduce(0) { $0 + $1.count }))
      #expect(
        own.allSatisfy { frames($0).starts(with: callers + [function]) && !$0.isTruncated }, "\(own.map(\.names))")
      #expect(result.errors.contains("32-bit code") || result.output.contains("32-bit code"))
    }

    @Test func `a 32-bit thread that sleeps throughout has its stack`() throws {
      let workload = try bench.startWorkload([try compile(), "sleep", "60000"])

      let result = try bench.run(
        bench.offcpu([
          "--folded", "-o", bench.path("sleep.folded"), "--pid", "\(workload.pid)", "--duration", "500ms",
        ]))

      try #require(result.status == 0, "\(result.errors)")
      let stacks = try FoldedStacks(String(contentsOfFile: bench.path("sleep.folded"), encoding: .utf8))
      let own = try #require(stacks.stacks.first)
      #expect(frames(own).starts(with: callers + ["nap"]), "\(own.names)")
    }
  }
}
