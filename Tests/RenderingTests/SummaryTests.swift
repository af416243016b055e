import ProfileModel
import Rendering
import Testing

@Suite struct SummaryTests {
  @Test func `the sample task reads as the golden text`() throws {
    try expectGolden(Summary.render(task: Sample.task, profile: Sample.profile, isColored: false), "summary.txt")
  }

  @Test func `the sample of waits reads as the golden text`() throws {
    try expectGolden(Summary.render(task: Sample.waitTask, profile: Sample.waits, isColored: false), "waits.txt")
  }

  @Test func `a task that was not stored has neither id nor command`() {
    var task = Sample.task
    task.id = TaskID(rawValue: 0)
    let text = Summary.render(task: task, profile: Sample.profile, isColored: false)
    #expect(text.hasPrefix("oncpu: pid 100 (bench)\n"))
    #expect(!text.contains("swprof report"))
  }

  @Test func `no loss is said, not left out`() {
    var task = Sample.task
    task.account = SampleAccount(ticks: 5, taken: 5)
    let text = Summary.render(task: task, profile: Profile(), isColored: false)
    #expect(text.contains("samples  5 taken, 0 lost\n"))
    #expect(!text.contains("defect"))
  }

  @Test func `ticks that are neither taken nor lost are a warning`() {
    var task = Sample.task
    task.account = SampleAccount(ticks: 6, taken: 5)
    let text = Summary.render(task: task, profile: Profile(), isColored: false)
    #expect(text.contains("warning: account does not add up: 6 ticks, 5 taken, 0 lost\n"))
  }

  @Test func `long names are cut in the middle and lines stay within 100 columns`() {
    var builder = ProfileBuilder()
    let module = builder.module("/lib/" + String(repeating: "m", count: 200) + ".so")
    let name = "first" + String(repeating: "x", count: 300) + "last"
    builder.add([Frame(function: name, module: module, origin: .kernel)], count: 1)
    var task = Sample.task
    task.target = "command ./bench " + String(repeating: "--flag ", count: 40)
    task.host = name
    let lines = Summary.render(task: task, profile: builder.profile, isColored: false).split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 100 })
    #expect(lines.contains { $0.contains("first") && $0.contains("last_[k]") })
  }

  @Test func `control characters never reach the terminal`() {
    let hostile = "x\u{1B}]0;owned\u{7}\u{9B}31m\r\u{8}"
    var builder = ProfileBuilder()
    let module = builder.module("/lib/\(hostile)")
    builder.add([Frame(function: hostile, module: module)], count: 1)
    var task = Sample.task
    task.target = hostile
    task.host = hostile
    task.kernel = hostile
    task.note = hostile
    task.error = hostile
    task.trigger = hostile
    task.warnings = [hostile]
    task.event = hostile
    let texts = [
      Summary.render(task: task, profile: builder.profile, isColored: false, reportCommand: hostile),
      TaskTable.render([task]), TaskDetails.render(task),
    ]
    for text in texts {
      #expect(!text.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control })
      #expect(text.contains("x\u{FFFD}]0;owned"))
    }
  }

  @Test func `colors are written only where asked for`() {
    #expect(Summary.render(task: Sample.task, profile: Sample.profile, isColored: true).contains("\u{1B}[1m"))
    #expect(!Summary.render(task: Sample.task, profile: Sample.profile, isColored: false).contains("\u{1B}"))
  }
}

struct AccountLineTests {
  @Test func `the account names every loss and defect, and each warning has its own line`() {
    var task = ProfilingTask(
      id: TaskID(rawValue: 7), target: "all processes",
      spec: TaskSpec(target: .all, kind: .onCPU(OnCPUOptions())), host: "h", kernel: "k",
      startedAt: WallTime(nanoseconds: 0))
    task.account = SampleAccount(ticks: 10, taken: 8, losses: [.ringBufferFull: 2], defects: [.stackTooDeep: 3])
    task.warnings = ["one\u{1B}", "two"]

    let lines = Summary.account(of: task)

    #expect(lines.count == 3)
    #expect(lines[0].hasPrefix("task 7: samples: 8 taken, 2 lost"))
    #expect(lines[0].contains("2 ring buffer full"))
    #expect(lines[0].contains("3 stacks deeper than the limit"))
    #expect(!lines[1].contains("\u{1B}"))
    #expect(lines[2] == "warning: two")
  }
}
