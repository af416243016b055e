package import ProfileModel

/// A capture of one kind through its life: it is prepared, aimed, armed, drained again and again, and finished.
///
/// A kind is a class that conforms to this. To make one is to prepare it: the programs are loaded and verified then, and
/// look at nothing yet. Before it is armed it has no descriptors and nothing pending.
package protocol CaptureLifecycle: AnyObject {
  /// Lists the processes to look at, where it was prepared for listed ones. Only before it is armed.
  func aim(at processes: [ProcessID]) throws(CaptureError)
  /// Attaches everything; from the return on, events are recorded. Once only.
  func arm() throws(CaptureError) -> CaptureStart

  /// The time of the earliest record, once there is one.
  var firstRecordAt: MonotonicTime? { get }
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
  func followRunningProcesses()
  /// Takes what the kernel has recorded.
  func drain() throws(CaptureError)
  /// Stops recording, takes the rest, and closes the account.
  func finish() throws(CaptureError) -> CaptureOutcome
  /// Takes off what `finish()` has left attached, as it does nothing any more.
  func detach()
}

/// What a capture tells of itself once it records.
package struct CaptureStart: Sendable {
  /// When recording began.
  package var armedAt: MonotonicTime
  /// The event that is recorded, as the task names it.
  package var event: String
  /// How user stacks are walked: `dwarf` or `fp`; `none` where no stack is.
  package var unwind: String
  /// What the times of ticks are drawn by; nil where nothing ticks, or at a fixed rate.
  package var jitterSeed: UInt32?

  package init(armedAt: MonotonicTime, event: String, unwind: String, jitterSeed: UInt32? = nil) {
    self.armedAt = armedAt
    self.event = event
    self.unwind = unwind
    self.jitterSeed = jitterSeed
  }
}

/// What a capture leaves behind.
package enum CaptureOutcome: Sendable {
  /// Stacks, which have yet to be named.
  case profile(RawProfile)
  case network(NetworkRecording)
}
