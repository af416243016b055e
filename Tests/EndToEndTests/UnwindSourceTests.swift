import CommandRunning
import Testing

extension EndToEnd {
  /// Code that `.eh_frame` does not describe; how it calls is known from its source.
  @Suite struct UnwindSourceTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    private static let withoutUnwindTables = [
      "-g", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fno-optimize-sibling-calls",
    ]

    @Test func `code that only .debug_frame describes is walked to its root`() throws {
      let program = try bench.compileWithoutFramePointers("debug_frame", options: Self.withoutUnwindTables)

      try expectLevels(of: program)
    }

    @Test func `code that only the .debug_frame of a debug file describes is walked to its root`() throws {
      let options = Self.withoutUnwindTables + ["-gz=zlib"]
      let program = try bench.compileWithoutFramePointers("debug_frame", options: options)
      let debug = bench.path("debug_frame.debug")
      for command in [
        ["objcopy", "--only-keep-debug", program, debug],
        ["objcopy", "--strip-all", "--add-gnu-debuglink=\(debug)", program],
      ] {
        let result = try bench.run(command)
        try #require(result.status == 0, "\(result.errors)")
      }

      try expectLevels(of: program)
    }

    private func expectLevels(of program: String) throws {
      let workload = try bench.startWorkload([program])

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s", "--user"])

      #expect(stacks.total > 100)
      #expect(stacks.percentage { !$0.isTruncated } >= 99)
      #expect(
        stacks.percentage { $0.userFrames.suffix(4).elementsEqual(["main", "level1", "level2", "level3"]) } >= 98)
    }

    @Test(arguments: ["mold", "lld", "lld -Wl,-z,retpolineplt", "lld -Wl,-z,retpolineplt -Wl,-z,now", "gold", "bfd"])
    func `a stub of any linker is named by its callee and keeps its caller`(linker: String) throws {
      let options = ["-fno-builtin"] + "-fuse-ld=\(linker)".split(separator: " ").map(String.init)
      let workload = try bench.startWorkload([
        try bench.compileWithoutFramePointers("linkage_stubs", options: options)
      ])

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s", "--user"])

      #expect(stacks.total > 100)
      #expect(stacks.percentage { !$0.isTruncated } >= 99)
      #expect(stacks.percentage { $0.userFrames.contains("main") && $0.userFrames.contains("caller") } >= 99)
      let stubs = Set(stacks.stacks.flatMap(\.names).filter { $0.contains("plt") && !$0.hasPrefix("linkage_stubs") })
      #expect(stubs == ["abs@plt"])
    }
  }
}
