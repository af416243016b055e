import ProfileModel
import Rendering
import Testing

@Suite struct TopReportTests {
  private func text(_ task: ProfilingTask?, _ profile: Profile, _ measure: WeightMeasure = .count) -> String {
    TopReport.render(
      task: task, profile: profile, measure: measure, nextCommands: ["swprof report 12 --svg -o 12.svg"],
      isColored: false)
  }

  @Test func `the sample task reads as the golden text`() throws {
    try expectGolden(text(Sample.task, Sample.profile), "top.txt")
  }

  @Test func `waits are ranked by time`() throws {
    try expectGolden(text(Sample.waitTask, Sample.waits, .microseconds), "top-waits.txt")
  }

  @Test func `an empty profile says so`() {
    #expect(text(Sample.task, Profile()).hasPrefix("pid 100 (bench): nothing was recorded\n"))
  }

  @Test func `the path goes on through one callee and ends where it forks`() {
    var builder = ProfileBuilder()
    builder.add(["main", "f", "a"], count: 30)
    builder.add(["main", "f", "b"], count: 30)
    builder.add(["main", "f", "c"], count: 30)
    let path = text(nil, builder.profile).split(separator: "\n").drop { $0 != "hottest path" }.dropFirst()
    #expect(path.prefix(3).map { $0.split(separator: " ").last } == ["bench", "main", "f"])
    #expect(!path.prefix(4).contains { $0.hasSuffix(" a") })
  }

  @Test func `hostile names do not act on the terminal`() {
    #expect(!text(Sample.task, Sample.profile).contains("\u{1B}"))
  }
}
