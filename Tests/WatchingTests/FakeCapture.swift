import LinuxSystem
import ProfileModel
import Recording

@testable import Capture

/// A kind of capture that no kernel knows: it records as many samples as it was drained.
///
/// It stands for every kind that is still to come. Nothing outside of this file is needed for it.
final class FakeCapture: CaptureLifecycle {
  /// What tests decide of it, and look at.
  final class Desk {
    var steps: [String] = []
    var hasNoTargetLeft = false
    var armingFailure: CaptureError?
    var finishingFailure: CaptureError?
    /// How many samples are missing from the account.
    var missing: UInt64 = 0
  }

  private let desk: Desk
  private var processes: [ProcessID] = []
  private var samples: UInt64 = 0

  init(_ desk: Desk) {
    self.desk = desk
    desk.steps.append("prepare")
  }

  /// A registry that has this kind alone.
  static func kinds(_ desk: Desk) -> CaptureKinds {
    CaptureKinds([.onCPU: .init(ringBufferBytes: 4096) { _ in FakeCapture(desk) }])
  }

  func aim(at processes: [ProcessID]) throws(CaptureError) {
    desk.steps.append("aim")
    self.processes = processes
  }

  func arm() throws(CaptureError) -> CaptureStart {
    desk.steps.append("arm")
    if let failure = desk.armingFailure { throw failure }
    return CaptureStart(armedAt: Clock.monotonic, event: "a fake", unwind: "none")
  }

  var firstRecordAt: MonotonicTime? { nil }
  var tableCost: (nanoseconds: UInt64, bytes: Int) { (0, 0) }
  var progress: String { "\(samples) samples" }
  var descriptors: [Int32] { [] }
  var hasPending: Bool { false }
  var hasNoTargetLeft: Bool { desk.hasNoTargetLeft }

  func followRunningProcesses() {}

  func drain() throws(CaptureError) { samples += 1 }

  func finish() throws(CaptureError) -> CaptureOutcome {
    desk.steps.append("finish")
    if let failure = desk.finishingFailure { throw failure }
    var builder = StackTreeBuilder()
    let stack = builder.insert([0]) ?? 0
    let thread = ProfiledThread(
      process: processes.first ?? ProcessID(rawValue: 0), thread: ThreadID(rawValue: 1), processName: "p", name: "t")
    return .profile(
      RawProfile(
        sources: [.kernel, .vdso], locations: [.marker(.userMode)], threads: [thread], stacks: builder.tree,
        values: [Profile.Value(thread: 0, stack: stack, weight: Weight(count: samples, nanoseconds: samples))],
        timeline: nil, account: SampleAccount(ticks: samples + desk.missing, taken: samples), warnings: []))
  }

  func detach() { desk.steps.append("detach") }
}
