import Capture
import CommandRunning
import Foundation
import LinuxSystem
import Testing

extension EndToEnd {
  @Suite struct NamingTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `what the kernel calls its addresses stands in its symbol table`() throws {
      var names: [UInt64: Set<String>] = [:]
      for line in try OpenFile.text(of: "/proc/kallsyms").split(separator: "\n") {
        let fields = line.split { " \t".contains($0) }
        guard fields.count >= 3, let address = UInt64(fields[0], radix: 16), address != 0 else { continue }
        names[address, default: []].insert(String(fields[2]))
      }
      let starts = names.keys.sorted().filter { names[$0]?.contains { $0.hasPrefix("__x64_sys_") } ?? false }
      try #require(starts.count > 100, "run as root: the kernel hides its symbols")
      // More than are asked for at once, and one that is no address of the kernel's.
      let texts = try #require(KernelNames.texts(of: starts.map { $0 + 1 } + [0x1000]))

      try #require(texts.count == starts.count + 1)
      for (start, text) in zip(starts, texts) {
        let parts = text.split(separator: "+")
        #expect(names[start]?.contains(String(parts[0])) ?? false, "\(text)")
        #expect(parts.last?.hasPrefix("0x1/") ?? false, "\(text)")
      }
      #expect(texts.last == "0x1000")
    }

    @Test func `a program in a private mount namespace has names`() throws {
      let program = try bench.compile("burn")
      let directory = bench.path("hidden")
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
      // Outside of the namespace a different program lies at the same path.
      try FileManager.default.copyItem(atPath: try bench.compile("split"), toPath: "\(directory)/burn")
      let script = "mount -t tmpfs none \(directory) && cp \(program) \(directory)/ && exec \(directory)/burn"

      try expectBurnHere(try bench.startWorkload(["unshare", "-m", "sh", "-c", script]))
    }

    @Test func `a program in a root directory of its own has names`() throws {
      let root = bench.path("root")
      try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
      let program = try bench.compile("burn", options: ["-static"])
      try FileManager.default.copyItem(atPath: program, toPath: "\(root)/only-here")

      try expectBurnHere(try bench.startWorkload(["chroot", root, "/only-here"]))
    }

    @Test func `a stripped program in a root directory of its own is named by the debug file there`() throws {
      let root = bench.path("root")
      let program = try bench.compile("burn", options: ["-static", "-Wl,--build-id=0x5177"])
      let script = """
        mkdir -p \(root)/usr/lib/debug/.build-id/51 && strip -o \(root)/only-here \(program) \
        && objcopy --only-keep-debug \(program) \(root)/usr/lib/debug/.build-id/51/77.debug
        """
      try #require(try bench.run(["sh", "-c", script]).status == 0)

      try expectBurnHere(try bench.startWorkload(["chroot", root, "/only-here"]))
    }

    @Test func `a program that was deleted while it runs has names`() throws {
      let program = try bench.compile("burn")
      let workload = try bench.startWorkload([program])
      try FileManager.default.removeItem(atPath: program)

      try expectBurnHere(workload)
    }

    @Test func `a program that was replaced while it runs keeps its own names`() throws {
      let program = try bench.compile("burn")
      let workload = try bench.startWorkload([program])
      try FileManager.default.removeItem(atPath: program)
      try FileManager.default.copyItem(atPath: try bench.compile("split"), toPath: program)

      try expectBurnHere(workload)
    }

    @Test func `a library loaded during the capture has names`() throws {
      let library = try bench.compile("dlopen_lib", as: "libburn.so", options: ["-shared", "-fPIC"])
      let program = try bench.compile("dlopen_main")
      let workload = try bench.startWorkload([program, library])
      let capture = try bench.startCapture(["--pid", "\(workload.pid)", "--duration", "3s", "--folded"])
      workload.send(SIGUSR1)

      let result = try capture.wait()

      let stacks = try FoldedStacks(result.output)
      #expect(stacks.total > 100)
      #expect(stacks.percentage { $0.userFrames.suffix(2).elementsEqual(["main", "burn_in_library"]) } >= 98)
      #expect(stacks.percentage { !$0.isTruncated } >= 98)
    }

    @Test func `a program that the target turns into during the capture has names`() throws {
      let program = try bench.compile("burn")

      let stacks = try bench.capture(["--", "sh", "-c", "exec \(program) 1"])

      #expect(stacks.count(leaf: "burn_here") > 80)
    }

    @Test func `a library that was cut off while in use has offsets for names`() throws {
      let library = try bench.compile("dlopen_lib", as: "libburn.so", options: ["-shared", "-fPIC"])
      let workload = try bench.startWorkload([try bench.compile("dlopen_main"), library])
      workload.send(SIGUSR1)
      // The section headers and symbols lie at the end; the code that runs lies before.
      try workload.waitForLine(startingWith: "loaded")
      let size = try #require(try FileManager.default.attributesOfItem(atPath: library)[.size] as? Int)
      try #require(truncate(library, size - size / 4) == 0)

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--duration", "1s"])

      #expect(stacks.percentage { $0.userFrames.last?.hasPrefix("[libburn.so+0x") ?? false } >= 98)
    }

    /// In a stripped file, where the symbols before and behind a function may be missing.
    @Test(arguments: [false, true])
    func `a symbol without a size names its own code only`(isLoop: Bool) throws {
      let options = ["-shared", "-fPIC", "-s"] + (isLoop ? ["-DSIZELESS_LOOP"] : [])
      let library = try bench.compile("sizeless", as: "libburn.so", options: options)
      let workload = try bench.startWorkload([try bench.compile("dlopen_main"), library])
      workload.send(SIGUSR1)
      try workload.waitForLine(startingWith: "loaded")

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--duration", "1s"])

      let name = isLoop ? "sizeless_loop" : "[libburn.so+0x"
      #expect(stacks.percentage { $0.userFrames.last?.hasPrefix(name) ?? false } >= 98)
      #expect(stacks.count(leaf: "before_it") == 0)
    }

    @Test func `functions of a program in D have the names of its source`() throws {
      let workload = try bench.startWorkload([try bench.compileD("churn")])

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s", "--user"])

      #expect(stacks.total > 100)
      let chain = ["churn.outer(ulong)", "churn.Box!(int).Box.churn(ulong)"]
      #expect(stacks.percentage { $0.userFrames.suffix(2).elementsEqual(chain) } >= 98)
    }

    @Test func `functions of a script in node have names`() throws {
      let lookup = try bench.run(["sh", "-c", "command -v node"])
      try #require(lookup.status == 0, "install nodejs")
      let script = """
        function hotLoop(n) { let x = 1; for (let i = 0; i < n; i++) x = (x * 31 + i) % 1000003; return x }
        for (let i = 0; i < 50; i++) hotLoop(1e6)
        console.log("ready")
        for (;;) hotLoop(1e6)
        """
      let workload = try bench.startWorkload(["node", "--perf-basic-prof", "-e", script])
      defer { unlink("/tmp/perf-\(workload.pid).map") }

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--duration", "3s"])

      // The rest is the collector's and the compiler's threads.
      let isHot = { (stack: FoldedStacks.Stack) in
        stack.names.contains { $0.contains("hotLoop") && $0.hasSuffix("_[j]") }
      }
      #expect(stacks.percentage(where: isHot) >= 90)
    }

    private func expectBurnHere(_ workload: RunningCommand) throws {
      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--duration", "2s"])

      // Two seconds of one CPU are 198 ticks; other processes may take some of it.
      #expect(stacks.total > 100)
      // All but the few ticks within the kernel's way in and out of the program.
      #expect(stacks.percentage { $0.userFrames.suffix(2).elementsEqual(["main", "burn_here"]) } >= 98)
    }
  }
}
