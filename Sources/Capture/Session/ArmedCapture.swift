package import ProfileModel

/// A capture that records: drained again and again, and finished.
package protocol ArmedCapture: ~Copyable {
  /// What it comes to.
  associatedtype Recording

  /// When recording began.
  var armedAt: MonotonicTime { get }
  /// The time of the earliest record, once there is one.
  var firstRecordAt: MonotonicTime? { get }
  /// How user stacks are walked: `dwarf` or `fp`.
  var unwind: String { get }
  /// The event that is recorded, as the task names it.
  var event: String { get }
  /// What the times of ticks are drawn by; nil where nothing ticks, or at a fixed rate.
  var jitterSeed: UInt32? { get }
  /// What unwind tables have cost so far: the time to build them in ns, and their bytes.
  var tableCost: (nanoseconds: UInt64, bytes: Int) { get }
  /// How much was recorded so far, in words.
  var progress: String { get }
  /// What to poll; any of them readable means `drain()` has work.
  var descriptors: [Int32] { get }
  /// Whether records wait for their turn, so that `drain()` should be called again within milliseconds.
  var hasPending: Bool { get }
  /// Whether none of the listed processes, nor of their followed children, is left.
  var hasNoTargetLeft: Bool { get }

  /// Reads the mappings of everything that runs, where everything may be seen. Records wait meanwhile.
  mutating func followRunningProcesses()
  /// Takes what the kernel has recorded.
  mutating func drain() throws(CaptureError)
  /// Stops recording, takes the rest, and closes the account.
  mutating func finish() throws(CaptureError) -> Recording
  /// Takes off what `finish()` has left attached, as it does nothing any more.
  mutating func detach()
}

extension ArmedCapture where Self: ~Copyable {
  package var jitterSeed: UInt32? { nil }
}
