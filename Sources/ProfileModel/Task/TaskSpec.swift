/// What to capture: the one description that command lines, policies, stored tasks and captures share.
package struct TaskSpec: Equatable, Sendable {
  package var target: Target
  package var kind: Kind
  /// The length asked for in ns; nil for "as long as the command runs".
  package var durationNanoseconds: UInt64?
  package var options: Options

  package init(
    target: Target = .unaimed, kind: Kind, durationNanoseconds: UInt64? = nil, options: Options = Options()
  ) {
    self.target = target
    self.kind = kind
    self.durationNanoseconds = durationNanoseconds
    self.options = options
  }

  /// What a task profiles.
  package enum Target: Equatable, Sendable {
    case processes([ProcessID])
    /// Every process whose main thread has this name, also those that take it later.
    case name(String)
    /// The members of a control group and those beneath it: a directory, or a path of /proc/PID/cgroup.
    case cgroup(String)
    case all
    /// A program to run, with its arguments.
    case command([String])

    /// No process yet: a policy's task gets its processes when a rule holds. A stored task has its target in words only.
    package static let unaimed = Target.processes([])
  }

  /// What all kinds share.
  package struct Options: Equatable, Sendable {
    /// Whether the children of targets are captured too.
    package var includesChildren = true
    /// Which part of stacks is recorded.
    package var side = Side.both
    package var unwind = UnwindChoice.auto

    package init() {}
  }

  package enum Side: String, Sendable, Codable, CaseIterable {
    case both
    case user
    case kernel
  }
}

/// How user stacks are to be walked.
package enum UnwindChoice: String, Sendable, CaseIterable {
  /// By unwind tables where the kernel loads that walk, else by frame pointers.
  case auto
  /// By unwind tables, or not at all.
  case dwarf
  /// By frame pointers.
  case fp
}
