import CommandRunning
import Testing

extension EndToEnd {
  /// Callers that tables and frame pointers do not tell; who calls whom is known from the workload's source.
  @Suite struct UnwindCallerTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    private func stacks(of program: String) throws -> FoldedStacks {
      let workload = try bench.startWorkload([program])
      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s", "--user"])
      #expect(stacks.total > 100)
      return stacks
    }

    /// The user frames without those of the C library's start, which differ between its versions.
    private func frames(_ stack: FoldedStacks.Stack) -> [String] {
      Array(stack.userFrames.drop { $0 != "main" && !$0.hasPrefix("[truncated") })
    }

    @Test func `a frame that a register of its caller describes has its caller`() throws {
      let stacks = try stacks(of: bench.compileWithoutFramePointers("frame_in_register"))

      for function in ["by_rax", "by_rbx"] {
        #expect(stacks.percentage { frames($0) == ["main", "caller", function, "spins"] } >= 40)
      }
      #expect(stacks.percentage { !$0.isTruncated } >= 99)
    }

    @Test(arguments: [["-fomit-frame-pointer"], ["-fno-omit-frame-pointer"]])
    func `assembly that nothing describes has its caller, marked as guessed`(options: [String]) throws {
      let program = try bench.compileWithoutFramePointers(
        "bare_assembly", options: ["-fno-optimize-sibling-calls", "-g"] + options)
      let stacks = try stacks(of: program)

      for function in ["bare", "pushing", "pointed"] {
        let guessed = stacks.stacks.filter { $0.names.last == function }
        #expect(guessed.reduce(0) { $0 + $1.count } > stacks.total / 5)
        for stack in guessed {
          let frames = frames(stack)
          #expect(frames.filter { $0 != "[guessed caller]" } == ["main", "outer", "caller", function])
          #expect(frames.dropLast().last == "[guessed caller]")
        }
      }
    }

    @Test func `a leaf of Go without a frame keeps its caller`() throws {
      let stacks = try stacks(of: bench.compileGo("frameless_leaf"))

      let leaves = stacks.stacks.filter { $0.names.last == "main.leaf" }
      let total = leaves.reduce(0) { $0 + $1.count }
      #expect(total > stacks.total * 9 / 10)
      var viaOne = 0
      for stack in leaves {
        let callers = stack.userFrames.suffix(4)
        #expect(callers.first == "main.main" && callers.dropFirst().first == "main.outer")
        if callers.contains("main.viaOne") { viaOne += stack.count }
      }
      // A third; 99.99 % of all captures of 400 samples lie within 9 points.
      #expect((24...43).contains(100 * viaOne / max(1, total)))
      #expect(stacks.percentage { !$0.isTruncated } >= 99)
    }

    @Test func `the stacks of Go's scheduler begin where it takes a thread over`() throws {
      let workload = try bench.startWorkload([bench.compileGo("go_threads")])
      let result = try bench.run(
        bench.offcpu(["--folded", "--user", "--duration", "1s", "--pid", "\(workload.pid)"]))
      let stacks = try FoldedStacks(result.output)

      // In microseconds of waiting.
      #expect(stacks.total > 100_000)
      #expect(stacks.percentage { !$0.isTruncated } >= 99)
      let roots = Set(stacks.stacks.compactMap { $0.userFrames.first { !$0.hasPrefix("[") } })
      // runtime/asm_amd64.s and runtime/sys_linux_amd64.s; goexit is where goroutines return to.
      #expect(
        roots.isSubset(of: [
          "runtime.mcall", "runtime.mstart.abi0", "runtime.clone.abi0", "runtime.systemstack.abi0",
          "runtime.goexit.abi0", "runtime.rt0_go.abi0", "runtime.morestack.abi0",
        ]), "\(roots)")
    }

    @Test func `a coroutine's stack is whole, and its entry is named by itself`() throws {
      let stacks = try stacks(of: bench.compileWithoutFramePointers("coroutine"))

      #expect(stacks.percentage { $0.userFrames.elementsEqual(["__start_context", "body", "hot"]) } >= 98)
    }

    @Test func `a function whose return has a probe keeps its caller`() throws {
      let stacks = try stacks(
        of: bench.compileWithoutFramePointers("probed_return", options: ["-fno-optimize-sibling-calls"]))

      #expect(stacks.percentage { frames($0) == ["main", "probed", "hot"] } >= 98)
    }
  }
}
