package import LinuxSystem
package import ProfileModel

/// A feature that a capture can do without, with less to show for it.
package enum KernelFeature: String, Sendable, CaseIterable {
  /// The programs that walk stacks by unwind tables.
  case unwindTables = "unwind-tables"
  /// The state of the thread that leaves as an argument of sched_switch (5.18); it is read from the thread otherwise.
  case switchState = "switch-state"
  /// Being called in a thread before it returns to user mode (6.18); the ends of switches are looked at otherwise.
  case taskWork = "task-work"
  /// The end of a switch as a tracepoint (6.15); the ends of system calls are looked at otherwise.
  case switchExit = "switch-exit"
  /// The kernel's own account of run queues (CONFIG_SCHED_INFO); wake-ups are looked at otherwise.
  case queueTimes = "queue-times"
  /// Tracepoints of the socket layer (6.3): the ends of system calls are looked at otherwise.
  case socketTracepoints = "socket-tracepoints"
  /// Reading packets as they are copied to their reader (6.4); what calls have read is looked at otherwise.
  case packetContent = "packet-content"
  /// The start of sending as a tracepoint (6.16); what calls have sent is looked at otherwise.
  case sendContent = "send-content"
}

/// A command that is held until it is captured from its first instruction on.
package struct AwaitedCommand: Sendable {
  /// The file that will be executed; nil where none is found.
  let program: OpenFile?
  /// The path of that file.
  let path: String?
  /// Where its libraries are looked for first (`LD_LIBRARY_PATH`).
  let libraryPath: String?

  /// - Parameter arguments: its name, looked for as execvp(3) does, and what follows it.
  init(_ arguments: [String]) {
    program = arguments.first.flatMap(ExecutableFile.open)
    path = program.flatMap { ExecutableFile.path(of: $0) }
    libraryPath = ExecutableFile.libraryPath
  }
}

/// A task as a capture carries it out: what was asked for, and what only this run of it needs.
package struct ResolvedTask: Sendable {
  /// With a control group by its directory, and a command by the process that waits to become it.
  package var spec: TaskSpec
  /// Kernel features to do without although the kernel may have them.
  package var missingFeatures: Set<KernelFeature>
  /// Whether each sampled thread is stopped (SIGSTOP) where it was sampled, for a test to look at.
  package var stopsSampledThreads = false
  /// What the target still waits to become: nothing that it has mapped counts before.
  package private(set) var awaitedCommand: AwaitedCommand?
  /// For tests, whether the kernel side is told what processes have mapped, or has to find out by itself.
  package var publishesMappings = true
  /// For how long, in ns, tables are built before the capture begins; what is left is built while it runs.
  package var initialBuildNanoseconds: UInt64 = 3_000_000_000
  /// Whether it is prepared for a capture that may never begin: nothing ticks before it is armed then.
  package var isPreparedAhead = false
  /// Bytes of the ring buffer: a power of two, at least a page.
  package var ringBufferBytes: UInt32
  /// For tests, the sizes of tables by their names: of maps in entries, of `sideband` in pages, of `unwind_lines` in lines.
  package var capacities: [String: UInt32] = [:]

  /// - Parameter child: the process that waits to become the command, where the task has one.
  package init(
    _ spec: TaskSpec, child: ProcessID? = nil, missingFeatures: Set<KernelFeature> = [], ringBufferBytes: UInt32
  ) {
    self.spec = spec
    self.missingFeatures = missingFeatures
    self.ringBufferBytes = ringBufferBytes
    switch spec.target {
    case .command(let arguments):
      self.spec.target = .processes(child.map { [$0] } ?? [])
      awaitedCommand = AwaitedCommand(arguments)
    case .cgroup(let path): self.spec.target = .cgroup(ControlGroup.directory(for: path))
    case .processes, .name, .all: break
    }
  }

  var target: TaskSpec.Target {
    get { spec.target }
    set { spec.target = newValue }
  }

  var includesChildren: Bool { spec.options.includesChildren }
}

/// Why a capture cannot start.
package enum CaptureError: Error, CustomStringConvertible {
  case noSuchProcess(ProcessID)
  case isThread(ThreadID, of: ProcessID)
  case noProcess(name: String)
  case noSuchCgroup(String, Errno)
  case notPermitted(missing: [Capability], operation: String)
  case missingFeature(String)
  case bpf(BPFFailure)
  case system(operation: String, Errno)

  /// A failure of the BPF layer, kept as its sentence: callers need not know that layer.
  package struct BPFFailure: Sendable {
    package let sentence: String
    package let cause: Errno
  }

  package var description: String {
    switch self {
    case .noSuchProcess(let process):
      "no process \(process); it may have ended, see 'ps -e'"
    case .isThread(let thread, let process):
      "\(thread) is a thread of process \(process); give --pid \(process), and --per-thread to keep threads apart"
    case .noProcess(let name):
      "no process is named '\(name)'; names are the first 15 characters of the program, see 'ps -eo pid,comm'"
    case .noSuchCgroup(let path, let cause):
      "cannot use control group '\(path)': \(cause); give a directory under /sys/fs/cgroup or a path of /proc/PID/cgroup"
    case .notPermitted(let missing, let operation):
      "\(operation): not permitted; run as root or grant \(missing.map(\.name).joined(separator: ", "))"
    case .missingFeature(let sentence): sentence
    case .bpf(let failure): "\(failure.sentence); 'swprof doctor' says what is missing"
    case .system(let operation, let cause): "\(operation): \(cause)"
    }
  }
}
