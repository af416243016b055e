import ProfileModel
import Testing

@testable import Comparison

/// How often commands are run, and which goes first.
@Suite struct AlternatingRunsTests {
  private struct Failure: Error {}

  private let task = ProfilingTask(
    target: "command bench", spec: TaskSpec(target: .command(["bench"]), kind: .onCPU(OnCPUOptions())), host: "host",
    kernel: "6.1", startedAt: WallTime(nanoseconds: 0))

  /// The sides in the order of their runs, and why more runs were made.
  private func order(
    _ count: RunCount, limit: Int, hasBaseCommand: Bool = true, samples: UInt64 = 100_000
  ) throws -> (sides: [AlternatingRuns.Side], reports: [String]) {
    var (base, new) = (ComparedSide(), ComparedSide())
    if !hasBaseCommand { base.add(task, profile(["main;parse": samples]), name: "task 1") }
    var sides: [AlternatingRuns.Side] = []
    var reports: [String] = []
    try AlternatingRuns(count, limit: limit, hasBaseCommand: hasBaseCommand).record(
      &base, &new, ComparisonBasis(), Check.Options(), report: { reports.append($0) }
    ) { side in
      sides.append(side)
      // Runs of one program differ a little.
      return (task, profile(["main;parse": samples, "main;write": samples / 2 + UInt64(sides.count % 3)]))
    }
    #expect(new.runs.count == sides.count { $0 == .new })
    return (sides, reports)
  }

  @Test func `each side goes first by turns`() throws {
    #expect(try order(.fixed(3), limit: 40).sides == [.base, .new, .new, .base, .base, .new])
  }

  @Test func `a base that has its runs is not run`() throws {
    #expect(try order(.fixed(2), limit: 40, hasBaseCommand: false).sides == [.new, .new])
  }

  @Test func `auto stops at its first runs if they tell enough`() throws {
    let (sides, reports) = try order(.auto, limit: 40)

    #expect(sides.count == 10)
    #expect(reports.isEmpty)
  }

  @Test func `auto goes on with few samples, up to the limit, and says so`() throws {
    let (sides, reports) = try order(.auto, limit: 7, samples: 60)

    #expect(sides.count == 14)
    #expect(reports.count == 1 && reports[0].hasPrefix("5 runs of each side are too few"), "\(reports)")
  }

  @Test func `auto begins with no more runs than the limit`() throws {
    #expect(try order(.auto, limit: 2, samples: 60).sides.count == 4)
  }

  @Test func `a run that fails ends the series`() {
    var (base, new) = (ComparedSide(), ComparedSide())
    #expect(throws: Failure.self) {
      try AlternatingRuns(.fixed(3), limit: 3, hasBaseCommand: true).record(
        &base, &new, ComparisonBasis(), Check.Options(), report: { _ in }
      ) { _ in throw Failure() }
    }
    #expect(base.runs.isEmpty && new.runs.isEmpty)
  }

  @Test(
    arguments: [("auto", .auto), ("1", .fixed(1)), ("1000", .fixed(1000)), ("0", nil), ("1001", nil), ("x", nil)]
      as [(String, RunCount?)])
  func `a count is auto or a number up to a thousand`(text: String, count: RunCount?) {
    #expect(RunCount(reading: text) == count)
  }
}
