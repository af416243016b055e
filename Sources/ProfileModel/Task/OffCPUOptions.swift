/// How an off-CPU capture was asked for.
package struct OffCPUOptions: Equatable, Sendable, Codable {
  /// Intervals shorter than this, in ns, are only summed up.
  package var minimumNanoseconds: UInt64
  /// Intervals longer than this, in ns, are only summed up.
  package var maximumNanoseconds: UInt64?
  /// What is recorded; the other phases are only summed up.
  package var phases: [Phase]
  /// The letters of the states of blocked threads that are recorded; nil for all.
  package var states: [String]?
  /// Whether who ended a wait is recorded.
  package var wakers: Bool
  /// Whether the kernel's own threads are recorded.
  package var kernelThreads: Bool

  package init(
    minimumNanoseconds: UInt64 = 1000, maximumNanoseconds: UInt64? = nil, phases: [Phase] = [.blocked],
    states: [String]? = nil, wakers: Bool = false, kernelThreads: Bool = false
  ) {
    self.minimumNanoseconds = minimumNanoseconds
    self.maximumNanoseconds = maximumNanoseconds
    self.phases = phases
    self.states = states
    self.wakers = wakers
    self.kernelThreads = kernelThreads
  }
}
