import ProfileModel
import Rendering
import Testing

@Suite struct WaitSitesTests {
  private let sites = WaitSites(Sample.waits, elapsedNanoseconds: 10_000_000_000)

  @Test func `a site is the innermost function of the program's own, and the system call`() throws {
    let lock = try #require(sites.busy(by: \.nanoseconds, limit: 10).first)
    #expect(lock.function == "want_lock")
    #expect(lock.waitsIn == "futex")
    #expect(lock.weight == Weight(count: 40, nanoseconds: 800_000_000))
    #expect(lock.longest == 30_000_000)
  }

  @Test func `a site is not its waker's`() {
    #expect(!sites.busy(by: \.nanoseconds, limit: 10).contains { $0.function == "release_lock" })
  }

  @Test func `page faults and other phases are told from system calls`() {
    let all = sites.busy(by: \.count, limit: 10)
    #expect(all.first?.function == "touch")
    #expect(all.first?.waitsIn == "page fault")
    #expect(all.contains { $0.function == "want_lock" && $0.waitsIn == "[run queue]" })
    #expect(all.contains { $0.function == "burn" && $0.waitsIn == "[preempted]" })
    #expect(all.contains { $0.function == "worker_thread_[k]" })
  }

  @Test func `few waits of a tenth of the capture stand apart, and nothing is hidden`() {
    #expect(sites.idle(limit: 10).map(\.function) == ["await_work"])
    #expect(!sites.busy(by: \.nanoseconds, limit: 10).contains { $0.function == "await_work" })
    let all = sites.busy(by: \.nanoseconds, limit: .max) + sites.idle(limit: .max)
    #expect(all.reduce(0) { $0 + $1.weight.nanoseconds } == sites.total)
  }

  @Test func `without the length of the capture nothing looks idle`() {
    #expect(WaitSites(Sample.waits, elapsedNanoseconds: nil).idle(limit: 10).isEmpty)
  }

  @Test func `the longest come first, or the most frequent`() {
    let byTime = sites.busy(by: \.nanoseconds, limit: 2).map(\.function)
    #expect(byTime == ["want_lock", "touch"])
    #expect(sites.busy(by: \.count, limit: 1).map(\.function) == ["touch"])
  }
}
