import ProfileModel
import Testing

@testable import swprof

/// What is said where nothing was recorded.
@Suite struct EmptyResultTests {
  private func facts(cpu: UInt64?, leftOut: [EmptyResult.Facts.Child] = []) -> EmptyResult.Facts {
    EmptyResult.Facts(
      cpuNanoseconds: cpu, leftOut: leftOut, elapsedNanoseconds: 10_000_000_000, frequencyHertz: 99)
  }

  @Test(
    arguments: [
      (.onCPU, 0, "'swprof offcpu'"), (.onCPU, 9_000_000, "'swprof offcpu'"), (.onCPU, 500_000_000, "--freq"),
      (.offCPU, 9_900_000_000, "'swprof oncpu'"), (.offCPU, 1_000_000, "--min-block"), (.network, 5, "ss -tnp"),
    ] as [(TaskKind, UInt64, String)])
  func `what would help follows from what the target did`(kind: TaskKind, cpu: UInt64, words: String) {
    let advice = EmptyResult.advice(kind, facts(cpu: cpu))

    #expect(advice.count == 1 && advice[0].contains(words), "\(advice)")
  }

  @Test func `children that were left out are named, the busiest one`() {
    let children = [(11, "idle", 0), (12, "worker", 5_000_000_000), (13, "worker", 1)].map {
      EmptyResult.Facts.Child(process: ProcessID(rawValue: $0), name: $1, cpuNanoseconds: $2)
    }
    let advice = EmptyResult.advice(.onCPU, facts(cpu: 0, leftOut: children))

    #expect(advice.first?.contains("3 children") == true && advice.first?.contains("worker (12) used 5s") == true)
    #expect(advice.count == 2)
  }

  @Test func `a target that has ended is told as such`() {
    #expect(
      EmptyResult.advice(.onCPU, facts(cpu: nil)) == ["nothing was recorded: the target ended while the capture began"])
  }
}
