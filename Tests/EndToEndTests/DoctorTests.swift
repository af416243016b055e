import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  @Suite struct DoctorTests {
    private struct Report: Decodable {
      struct Check: Decodable {
        let check: String
        let verdict: String
        let detail: String
      }

      let checks: [Check]
    }

    private struct ModuleList: Decodable {
      let modules: [Module]
      let python: Python?
    }

    private struct Python: Decodable {
      let version: String?
      let build: String?
      let free_threaded: Bool?
      let thread_state: String?
      let reason: String?
    }

    private struct Module: Decodable {
      let path: String
      let build_id: String?
      let unwinding: String
      let unwind_rows: Int?
      let names: String
      let debug_package: String?
    }

    private let bench: Workbench

    init() throws { bench = try Workbench() }

    /// Of the million that a kernel allows; a program of off-CPU profiling holds the walk of 64-bit and of 32-bit stacks.
    @Test(arguments: [("trial", 60_000), ("offcpu", 100_000)])
    func `the verifier follows fewer instructions than would endanger other kernels`(check: String, limit: Int) throws {
      let result = try bench.run([bench.swprof, "doctor", "--json"])

      let report = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
      let trial = try #require(report.checks.first { $0.check == check })
      #expect(trial.verdict == "ok")
      let words = trial.detail.split(separator: " ")
      let place = try #require(words.firstIndex(of: "instructions"), "\(trial.detail)")
      let verified = try #require(Int(words[place - 1]))
      #expect((1_000...limit).contains(verified))
    }

    /// What the kernel wants for /proc/PID/map_files, tried with nothing but the capabilities of the service.
    @Test func `with the service's capabilities files are opened by their mapping, and without one that is told`()
      throws
    {
      let unit = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../../scripts/swprof-watch.service")
      let lines = try String(contentsOf: unit, encoding: .utf8).split(separator: "\n")
      let line = try #require(lines.first { $0.hasPrefix("CapabilityBoundingSet=") })
      let names = line.split(separator: "=")[1].split(separator: " ").map { $0.dropFirst("CAP_".count).lowercased() }

      func verdict(_ names: [String]) throws -> String? {
        let set = "-all" + names.map { ",+\($0)" }.joined()
        let result = try bench.run(["setpriv", "--bounding-set=\(set)", bench.swprof, "doctor", "--json"])
        let report = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
        return report.checks.first { $0.check == "map_files" }?.verdict
      }

      #expect(try verdict(names) == "ok")
      #expect(try verdict(names.filter { $0 != "checkpoint_restore" }) == "limited")
    }

    @Test func `the modules of a process are told with their unwinding and names`() throws {
      let plain = try bench.compileWithoutFramePointers("alloca_recursion")
      let stripped = bench.path("stripped")
      #expect(try bench.run(["strip", "-o", stripped, plain]).status == 0)
      let workload = try bench.startWorkload([stripped, "3"])

      let modules = try modules(workload.pid)

      let program = try #require(modules.first { $0.path == stripped })
      #expect(program.unwinding == "table")
      #expect(try #require(program.unwind_rows) > 10)
      #expect(program.names == "dynsym only")
      let library = try #require(modules.first { $0.path.hasSuffix("/libc.so.6") })
      #expect(library.unwinding == "table")
      #expect(try #require(library.unwind_rows) > 10_000)
      #expect(library.names == "debug info" || library.debug_package == "libc6-dbg")
      #expect(modules.contains { $0.path == "[vdso]" && $0.unwinding == "table" })
    }

    @Test func `code of no file is walked by frame pointers`() throws {
      let workload = try bench.startWorkload([try bench.compile("jit_like")])

      let module = try #require(try modules(workload.pid).first { $0.path == "[anonymous]" })

      #expect(module.unwinding == "frame_pointers")
    }

    @Test func `the Python of a process is told with its version, and a program without it has none`() throws {
      let program = "import signal, sys; print('ready', sys.version.split()[0], flush=True); signal.pause()"
      let workload = try bench.start(["/usr/bin/python3", "-c", program])
      let line = try workload.waitForLine(startingWith: "ready")
      let other = try bench.startWorkload([try bench.compile("recursion"), "3"])

      let python = try #require(try list(workload.pid).python)

      #expect(python.version == line.split(separator: " ").last.map(String.init))
      #expect(python.build == "static" || python.build == "shared")
      #expect(python.free_threaded == false)
      #expect(python.thread_state?.contains("thread pointer") == true)
      #expect(python.reason == nil)
      #expect(try list(other.pid).python == nil)
    }

    @Test func `a process that does not exist is 66`() throws {
      let result = try bench.run([bench.swprof, "doctor", "--pid", "\(Int32.max)"])

      #expect(result.status == 66)
      #expect(result.errorLines.count == 1)
    }

    private func modules(_ process: Int32) throws -> [Module] { try list(process).modules }

    private func list(_ process: Int32) throws -> ModuleList {
      let result = try bench.run([bench.swprof, "doctor", "--pid", "\(process)", "--json"])
      try #require(result.status == 0, "\(result.errors)")
      return try JSONDecoder().decode(ModuleList.self, from: Data(result.output.utf8))
    }
  }
}
