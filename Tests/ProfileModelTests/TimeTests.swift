import ProfileModel
import Testing

@Suite struct TimeTests {
  @Test func `time since a later point is zero`() {
    let early = MonotonicTime(nanoseconds: 5)
    let late = MonotonicTime(nanoseconds: 12)
    #expect(late.nanoseconds(since: early) == 7)
    #expect(early.nanoseconds(since: late) == 0)
    #expect(early < late)
  }

  @Test func `a task that has ended knows its length`() {
    var task = Self.task
    #expect(task.elapsedNanoseconds == nil)
    task.endedAt = WallTime(nanoseconds: 1_500)
    #expect(task.elapsedNanoseconds == 500)
  }

  @Test func `a wall clock that was set back makes a task no longer than zero`() {
    var task = Self.task
    task.endedAt = WallTime(nanoseconds: 10)
    #expect(task.elapsedNanoseconds == 0)
  }

  private static let task = ProfilingTask(
    target: "pid 1 (init)", spec: TaskSpec(kind: .onCPU(OnCPUOptions())),
    host: "host", kernel: "6.1", startedAt: WallTime(nanoseconds: 1_000))
}
