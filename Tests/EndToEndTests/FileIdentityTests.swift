import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// Names come from the file that was mapped, and from no other one.
  @Suite struct FileIdentityTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `each of two libraries that come to one address in turn is charged with its own time`() throws {
      let options = ["-shared", "-fPIC"]
      let first = try bench.compile(
        "plugin", as: "libone.so", options: options + ["-DPLUGIN_ENTRY=run_one", "-DPLUGIN_WORK=in_one"])
      let second = try bench.compile(
        "plugin", as: "libtwo.so", options: options + ["-DPLUGIN_ENTRY=run_two", "-DPLUGIN_WORK=in_two"])
      let program = try bench.compile("plugins", options: ["-rdynamic", "-ldl"])
      let workload = try bench.start([program, first, second])
      try workload.waitForLine(startingWith: "same")

      // When a capture begins, either of the libraries may be there.
      for _ in 0..<4 {
        let stacks = try bench.capture(["--pid", "\(workload.pid)", "--freq", "997", "--duration", "500ms"])

        let inOne = stacks.count { $0.names.contains { ["run_one", "in_one"].contains($0) } }
        let inTwo = stacks.count { $0.names.contains { ["run_two", "in_two"].contains($0) } }
        // An emulated machine takes its time for the other half.
        #expect(inOne + inTwo > 200)
        // Of 500 samples, the standard deviation is 2.1 points.
        let share = 100 * Double(inOne) / Double(inOne + inTwo)
        #expect(abs(share - 33.3) < 12, "\(share)")
        #expect(stacks.count { $0.names.contains("run_one") && $0.names.contains("in_two") } == 0)
        #expect(stacks.count { $0.names.contains("run_two") && $0.names.contains("in_one") } == 0)
      }
    }

    @Test func `a library that is overwritten while it is profiled has no names, and that is said`() throws {
      let options = ["-shared", "-fPIC"]
      let library = try bench.compile("dlopen_lib", as: "libburn.so", options: options)
      // The same code under another name, so that the program runs on.
      let other = try bench.compile(
        "dlopen_lib", as: "libother.so", options: options + ["-Dburn_in_library=burn_by_another"])
      let workload = try bench.startWorkload([try bench.compile("dlopen_main"), library])
      workload.send(SIGUSR1)
      try workload.waitForLine(startingWith: "loaded")
      let capture = try bench.startCapture(["--pid", "\(workload.pid)", "--duration", "2s", "--folded"])
      let content = try Data(contentsOf: URL(filePath: other))
      let file = try FileHandle(forUpdating: URL(filePath: library))
      try file.write(contentsOf: content)
      try file.close()

      let result = try capture.wait()

      let stacks = try FoldedStacks(result.output)
      #expect(stacks.total > 100)
      #expect(stacks.percentage { $0.userFrames.last?.hasPrefix("[libburn.so+0x") ?? false } >= 98)
      #expect(stacks.count { $0.names.contains { $0.hasPrefix("burn_") } } == 0)
      #expect(result.errors.contains("libburn.so: it changed while it was profiled"), "\(result.errors)")
    }

    @Test func `a library on a file system that is laid over another has names`() throws {
      let library = try bench.compile("dlopen_lib", as: "libburn.so", options: ["-shared", "-fPIC"])
      let program = try bench.compile("dlopen_main")
      // The bench itself may lie on such a file system, and that takes no more layers.
      let base = try bench.mountTemporaryFileSystem("base", size: "8m")
      for name in ["lower", "upper", "work", "merged"] {
        try FileManager.default.createDirectory(atPath: "\(base)/\(name)", withIntermediateDirectories: false)
      }
      for path in [library, program] {
        try FileManager.default.copyItem(
          atPath: path, toPath: "\(base)/lower/\(URL(filePath: path).lastPathComponent)")
      }
      let script = """
        cd \(base) && mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged \
        && exec merged/dlopen_main \(base)/merged/libburn.so
        """
      let workload = try bench.startWorkload(["unshare", "-m", "sh", "-c", script])
      let capture = try bench.startCapture(["--pid", "\(workload.pid)", "--duration", "2s", "--folded"])
      workload.send(SIGUSR1)

      let stacks = try FoldedStacks(try capture.wait().output)

      #expect(stacks.total > 100)
      #expect(stacks.percentage { $0.userFrames.suffix(2).elementsEqual(["main", "burn_in_library"]) } >= 98)
    }
  }
}
