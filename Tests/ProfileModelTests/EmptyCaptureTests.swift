import ProfileModel
import Testing

/// What is said where nothing was recorded.
@Suite struct EmptyCaptureTests {
  private func capture(cpu: UInt64?, leftOut: [EmptyCapture.Child] = []) -> EmptyCapture {
    EmptyCapture(
      cpuNanoseconds: cpu, leftOut: leftOut, elapsedNanoseconds: 10_000_000_000, frequencyHertz: 99)
  }

  @Test(
    arguments: [
      (.onCPU, 0, "'swprof offcpu'"), (.onCPU, 9_000_000, "'swprof offcpu'"), (.onCPU, 500_000_000, "--freq"),
      (.offCPU, 9_900_000_000, "'swprof oncpu'"), (.offCPU, 1_000_000, "--min-block"), (.network, 5, "ss -tnp"),
    ] as [(TaskKind, UInt64, String)])
  func `what would help follows from what the target did`(kind: TaskKind, cpu: UInt64, words: String) {
    let advice = capture(cpu: cpu).advice(for: kind)

    #expect(advice.count == 1 && advice[0].contains(words), "\(advice)")
  }

  @Test func `children that were left out are named, the busiest one`() {
    let children = [(11, "idle", 0), (12, "worker", 5_000_000_000), (13, "worker", 1)].map {
      EmptyCapture.Child(process: ProcessID(rawValue: $0), name: $1, cpuNanoseconds: $2)
    }
    let advice = capture(cpu: 0, leftOut: children).advice(for: .onCPU)

    #expect(advice.first?.contains("3 children") == true && advice.first?.contains("worker (12) used 5s") == true)
    #expect(advice.count == 2)
  }

  @Test func `a target that has ended is told as such`() {
    #expect(
      capture(cpu: nil).advice(for: .onCPU) == ["nothing was recorded: the target ended while the capture began"])
  }
}
