import Capture
import CommandRunning
import Foundation
import LinuxSystem
import Metrics
import Policies
import ProfileModel
import Testing

extension EndToEnd {
  /// What a recorder that runs for weeks holds of deployments that are gone.
  @Suite struct FlightRecorderTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `files, descriptors and tables of programs that are gone are not held`() throws {
      let program = try bench.compileWithoutFramePointers("sleeper", options: ["-static"])
      let idleLines = 1 << 14
      let tables = SharedTables(idleLineLimit: idleLines)
      var recorder = try FlightRecorder.arm(spanNanoseconds: 500_000_000, tables: tables) { _ in .none }
      var preparation = TablePreparation(tables)
      let names = UserNames()
      var sizes: [(sources: Int, descriptors: Int, lines: Int)] = []
      // Each round is a deployment: twenty programs that are files of their own. A user's, or one build id were one table.
      for round in 0..<12 {
        let programs = try (0..<20).map { number in
          let copy = bench.path("deployed-\(round)-\(number)")
          try FileManager.default.copyItem(atPath: program, toPath: copy)
          try #require(chown(copy, 65534, 65534) == 0)
          return try bench.startWorkload([copy, "1000"])
        }
        let keys = Set(programs.compactMap { names.read(ProcessID(rawValue: $0.pid))?.key })
        try #require(keys.count == 20)
        try recorder.look(at: keys)
        preparation.look(at: keys, now: Clock.monotonic)
        preparation.work(until: Clock.monotonic + 10_000_000_000)
        try waitUntil("tables") {
          try recorder.drain()
          return recorder.sourceCount >= 20 && !recorder.hasPending
        }
        for program in programs { program.kill() }
        try recorder.look(at: [])
        preparation.look(at: [], now: Clock.monotonic)
        try waitUntil("their end to be known") {
          try recorder.drain()
          recorder.forgetUnusedSources()
          return recorder.sourceCount <= 3
        }
        for number in 0..<20 { try FileManager.default.removeItem(atPath: bench.path("deployed-\(round)-\(number)")) }
        sizes.append((recorder.sourceCount, try descriptors(), tables.linesInUse))
      }

      let (first, last) = (try #require(sizes.first), try #require(sizes.last))
      #expect(last.sources <= first.sources + 1, "\(sizes)")
      // Tables that nobody uses are kept up to the limit, beside those of a round and those that rest. There is a descriptor
      // for each 16,384 lines.
      // A second's rest is that of three rounds, on a machine that is not busy.
      let bound = idleLines + 5 * first.lines
      #expect(last.lines <= bound, "\(sizes)")
      #expect(24 * first.lines > 3 * bound, "too few tables to show anything")
      #expect(last.descriptors <= first.descriptors + 3 + bound / 16_384, "\(sizes)")
      #expect(preparation.size == (0, 0))
    }

    private func descriptors() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }
  }
}
