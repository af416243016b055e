package import Capture
package import ProfileModel

/// What a capture leaves behind.
package enum CaptureOutcome: Sendable {
  /// Stacks, which have yet to be named.
  case profile(RawProfile)
  case network(NetworkRecording)
}

/// A capture that runs in the loop of somebody else.
package protocol DrivenCapture: AnyObject {
  var armedAt: MonotonicTime { get }
  var firstRecordAt: MonotonicTime? { get }
  /// As the task names them.
  var event: String { get }
  var unwind: String { get }
  /// What the times of ticks are drawn by; nil where nothing ticks, or at a fixed rate.
  var jitterSeed: UInt32? { get }
  /// What to poll; any of them readable means that `drain()` has work.
  var descriptors: [Int32] { get }
  var hasPending: Bool { get }
  var hasNoTargetLeft: Bool { get }

  func drain() throws
  func finish() throws -> CaptureOutcome
}

/// A capture of stacks, as an object among others.
package final class StackCapture<Capture: ArmedCapture & ~Copyable>: DrivenCapture where Capture.Recording == RawProfile {
  private var capture: Capture

  package init(_ capture: consuming Capture) { self.capture = capture }

  package var armedAt: MonotonicTime { capture.armedAt }
  package var firstRecordAt: MonotonicTime? { capture.firstRecordAt }
  package var event: String { capture.event }
  package var unwind: String { capture.unwind }
  package var jitterSeed: UInt32? { capture.jitterSeed }
  package var descriptors: [Int32] { capture.descriptors }
  package var hasPending: Bool { capture.hasPending }
  package var hasNoTargetLeft: Bool { capture.hasNoTargetLeft }

  package func drain() throws { try capture.drain() }
  package func finish() throws -> CaptureOutcome { .profile(try capture.finish()) }
}
