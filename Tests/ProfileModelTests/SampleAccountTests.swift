import Foundation
import ProfileModel
import Testing

@Suite struct SampleAccountTests {
  @Test func `an account balances when taken and lost make up the ticks`() {
    let account = SampleAccount(ticks: 100, taken: 90, losses: [.ringBufferFull: 7, .recordMalformed: 3])
    #expect(account.lost == 10)
    #expect(account.isBalanced)
  }

  @Test func `defects are no losses`() {
    let account = SampleAccount(ticks: 5, taken: 5, defects: [.stackTooDeep: 4])
    #expect(account.lost == 0)
    #expect(account.isBalanced)
  }

  @Test func `a tick without sample and cause shows`() {
    #expect(!SampleAccount(ticks: 5, taken: 4).isBalanced)
  }

  @Test func `an account is stored with its causes as keys of an object`() throws {
    let account = SampleAccount(ticks: 3, taken: 1, losses: [.ringBufferFull: 2], defects: [.stackBroken: 1])
    let data = try JSONEncoder().encode(account)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object["losses"] as? [String: Int] == ["ring_buffer_full": 2])
    #expect(object["defects"] as? [String: Int] == ["stack_broken": 1])
    #expect(try JSONDecoder().decode(SampleAccount.self, from: data) == account)
  }

  @Test func `every cause has its own explanation`() {
    let losses = Set(LossCause.allCases.map(\.explanation))
    let defects = Set(DefectCause.allCases.map(\.explanation))
    #expect(losses.count == LossCause.allCases.count)
    #expect(defects.count == DefectCause.allCases.count)
    #expect(losses.isDisjoint(with: defects))
  }

  @Test func `numbers that no capture can have do not trap`() {
    let account = SampleAccount(ticks: 5, taken: .max, losses: [.ringBufferFull: .max, .recordMalformed: 1])
    let task = ProfilingTask(
      target: "all processes", spec: TaskSpec(target: .all, kind: .onCPU(OnCPUOptions())), host: "", kernel: "",
      startedAt: WallTime(nanoseconds: .min), endedAt: WallTime(nanoseconds: .max))

    #expect(account.lost == .max)
    #expect(!account.isBalanced)
    #expect(task.elapsedNanoseconds == nil)
  }

  @Test func `accounts add up with what was left out and lost time`() {
    var sum = SampleAccount(ticks: 10, taken: 8, losses: [.intervalTableFull: 2])
    sum.lostNanoseconds = 500
    sum.leftOut = [.blocked: Weight(count: 3, nanoseconds: 30)]
    var other = SampleAccount(ticks: 7, taken: 6, losses: [.intervalTableFull: 1], defects: [.stackLost: 4])
    other.lostNanoseconds = 70
    other.leftOut = [.blocked: Weight(count: 1, nanoseconds: 5), .runQueue: Weight(count: 9, nanoseconds: 90)]

    sum.add(other)

    #expect(sum.ticks == 17 && sum.taken == 14 && sum.lost == 3)
    #expect(sum.defects == [.stackLost: 4])
    #expect(sum.lostNanoseconds == 570)
    #expect(
      sum.leftOut == [.blocked: Weight(count: 4, nanoseconds: 35), .runQueue: Weight(count: 9, nanoseconds: 90)])
  }
}
