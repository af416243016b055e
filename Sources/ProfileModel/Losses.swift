/// Why a tick that hit the target, or a wait that was asked for, is not in the profile.
package enum LossCause: String, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
  /// User space did not empty the ring buffer in time.
  case ringBufferFull = "ring_buffer_full"
  /// A record arrived that could not be decoded: a bug of ours, but never a silent one.
  case recordMalformed = "record_malformed"
  /// The kernel's table of stacks and their waits was full.
  case intervalTableFull = "interval_table_full"

  package var explanation: String {
    switch self {
    case .ringBufferFull: "ring buffer full"
    case .recordMalformed: "record malformed"
    case .intervalTableFull: "table of waits full"
    }
  }
}

/// What makes samples that were taken less than perfect, or the follow-up of processes incomplete.
package enum DefectCause: String, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
  /// Stacks deeper than the walk's limit, cut at their root.
  case stackTooDeep = "stack_too_deep"
  /// Stacks whose next frame lay in memory that could not be read without a page fault.
  case stackUnreadable = "stack_unreadable"
  /// Stacks that went through code without unwind information, whose frame-pointer chain ended in a value that cannot
  /// be a frame.
  case stackBroken = "stack_broken"
  /// Stacks with a return address that lies in no code.
  case stackUnmapped = "stack_unmapped"
  /// Stacks that came to code whose unwind information the walk cannot follow.
  case stackUnsupported = "stack_unsupported"
  /// Stacks whose unwind information led away from the root.
  case stackCorrupt = "stack_corrupt"
  /// Stacks of code whose unwind information had not been read yet.
  case stackNotReady = "stack_not_ready"
  /// Stacks that may lack a caller between two frames.
  case callerDoubted = "caller_doubted"
  /// Stacks with a caller that was guessed: code that nothing describes, and a return address found above it.
  case callerGuessed = "caller_guessed"
  /// Stacks of 32-bit code that lack frames, or may.
  case stackCompat = "stack_32bit"
  /// Kernel stacks that the kernel's own helper could not deliver.
  case kernelStackUnreadable = "kernel_stack_unreadable"
  /// Kernel stacks deeper than the kernel's limit.
  case kernelStackTooDeep = "kernel_stack_too_deep"
  /// Frames (by weight: samples with at least one) that have no name.
  case frameUnresolved = "frame_unresolved"
  /// Records of new mappings, forks and exits that the kernel dropped.
  case mappingRecordsLost = "mapping_records_lost"
  /// Processes or threads that found no place in the kernel's target table and were not followed.
  case targetTableFull = "target_table_full"
  /// Files and processes that found no place in the kernel's unwind tables.
  case unwindTableFull = "unwind_table_full"
  /// Waits whose stack did not reach user space, or was not there any more.
  case stackLost = "stack_lost"
  /// Waits whose wake-up was not seen; they count as blocked to their end.
  case wakeupMissed = "wakeup_missed"
  /// Switches to a thread that were not seen: its wait ends a little late, or is not counted.
  case switchMissed = "switch_missed"
  /// Threads that found no memory in the kernel, and whose waits are not counted.
  case threadTableFull = "thread_table_full"
  /// Threads that ended, and whose names found no room in the ring buffer.
  case threadNameLost = "thread_name_lost"
  /// Records of mappings, names, forks and exits that could not be decoded.
  case mappingRecordMalformed = "mapping_record_malformed"
  /// CPUs that came online during the capture: what ran there before that was noticed has no samples.
  case cpuCameLate = "cpu_came_late"
  /// CPUs that came online during the capture and could not be sampled.
  case cpuNotSampled = "cpu_not_sampled"
  /// How often the kernel paused the sampling of a CPU, because interrupts were too many or took too long.
  case samplingThrottled = "sampling_throttled"

  package var explanation: String {
    switch self {
    case .stackTooDeep: "stacks deeper than the limit"
    case .stackUnreadable: "stacks with an unreadable frame"
    case .stackBroken: "stacks cut short at code without frame pointers"
    case .stackUnmapped: "stacks cut short at an address outside any code"
    case .stackUnsupported: "stacks cut short at an unwind rule that is not supported"
    case .stackCorrupt: "stacks cut short at an unwind rule that leads astray"
    case .stackNotReady: "stacks cut short where no unwind table was ready"
    case .callerDoubted: "stacks in which a caller may be missing"
    case .callerGuessed: "stacks with a guessed caller"
    case .stackCompat: "stacks of 32-bit code that may lack frames"
    case .kernelStackUnreadable: "kernel stacks unreadable"
    case .kernelStackTooDeep: "kernel stacks deeper than the limit"
    case .frameUnresolved: "samples with unnamed frames"
    case .mappingRecordsLost: "mapping records lost"
    case .targetTableFull: "processes not followed, target table full"
    case .unwindTableFull: "files or processes without room for unwind tables"
    case .stackLost: "stacks lost"
    case .wakeupMissed: "wake-ups not seen"
    case .switchMissed: "switches not seen"
    case .threadTableFull: "threads not followed, no memory"
    case .threadNameLost: "threads whose names are lost"
    case .mappingRecordMalformed: "mapping records malformed"
    case .cpuCameLate: "CPUs that came online later, sampled since then"
    case .cpuNotSampled: "CPUs that came online later, not sampled"
    case .samplingThrottled: "times that the kernel paused sampling"
    }
  }
}

/// The account of a capture. Invariant: `taken + lost = ticks`.
package struct SampleAccount: Equatable, Sendable, Codable {
  /// Timer ticks that hit the target, or waits that were asked for; counted in the kernel.
  package var ticks: UInt64
  /// Samples that are in the profile.
  package var taken: UInt64
  package var losses: [LossCause: UInt64]
  package var defects: [DefectCause: UInt64]
  /// The length of what was lost in ns, where it is measured.
  package var lostNanoseconds: UInt64 = 0
  /// What was seen and was not asked for, by phase: other phases, and intervals too short or too long.
  package var leftOut: [Phase: Weight] = [:]

  package init(
    ticks: UInt64 = 0, taken: UInt64 = 0, losses: [LossCause: UInt64] = [:], defects: [DefectCause: UInt64] = [:]
  ) {
    self.ticks = ticks
    self.taken = taken
    self.losses = losses
    self.defects = defects
  }

  /// Samples lost for any cause; an account read from a damaged file may ask for more than there are numbers.
  package var lost: UInt64 { losses.values.reduce(0, Self.saturatingSum) }

  /// Notes a defect that occurred; none at zero.
  package mutating func note(_ defect: DefectCause, _ count: UInt64) {
    if count > 0 { defects[defect, default: 0] += count }
  }

  /// Adds what another capture has counted.
  package mutating func add(_ other: SampleAccount) {
    ticks = Self.saturatingSum(ticks, other.ticks)
    taken = Self.saturatingSum(taken, other.taken)
    losses.merge(other.losses, uniquingKeysWith: Self.saturatingSum)
    defects.merge(other.defects, uniquingKeysWith: Self.saturatingSum)
    lostNanoseconds = Self.saturatingSum(lostNanoseconds, other.lostNanoseconds)
    leftOut.merge(other.leftOut) { left, right in
      Weight(
        count: Self.saturatingSum(left.count, right.count),
        nanoseconds: Self.saturatingSum(left.nanoseconds, right.nanoseconds))
    }
  }

  /// Whether every tick is accounted for.
  package var isBalanced: Bool { Self.saturatingSum(taken, lost) == ticks }

  private static func saturatingSum(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : sum
  }
}
