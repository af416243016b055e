package import ProfileModel

/// Tasks as JSON, for `tasks show --json` and `tasks list --json`.
package enum TaskJSON {
  private static let version = 1

  /// One task: a document.
  ///
  /// - Parameter isOneLine: whether it is one line, for programs that read line by line.
  package static func render(_ task: ProfilingTask, isOneLine: Bool = false) -> String {
    var writer = JSONWriter()
    writer.document(schema: "swprof.task", version: version, isInline: isOneLine) { writer in
      writeMembers(task, to: &writer)
    }
    return writer.text + "\n"
  }

  /// Tasks in the given order: a document with `tasks`.
  package static func render(_ tasks: [ProfilingTask]) -> String {
    var writer = JSONWriter()
    writer.document(schema: "swprof.tasks", version: version) { writer in
      writer.key("tasks")
      writer.array { writer in
        for task in tasks { write(task, to: &writer) }
      }
    }
    return writer.text + "\n"
  }

  /// Tasks in the given order: a document and a line each.
  package static func renderLines(_ tasks: [ProfilingTask]) -> String {
    tasks.map { render($0, isOneLine: true) }.joined()
  }

  static func write(_ task: ProfilingTask, to writer: inout JSONWriter) {
    writer.object { writer in writeMembers(task, to: &writer) }
  }

  private static func writeMembers(_ task: ProfilingTask, to writer: inout JSONWriter) {
    writeIdentity(task, to: &writer)
    writeParameters(task, to: &writer)
    writeAccount(task.account, to: &writer)
    writer.key("note")
    writer.string(task.note)
    writer.key("trigger")
    writer.document(task.trigger)
    writer.key("warnings")
    writer.strings(task.warnings)
  }

  private static func writeIdentity(_ task: ProfilingTask, to writer: inout JSONWriter) {
    writer.key("id")
    if task.id.rawValue == 0 { writer.null() } else { writer.integer(task.id.rawValue) }
    writer.key("kind")
    writer.string(task.kind.rawValue)
    writer.key("target")
    writer.string(task.target)
    writer.key("status")
    writer.string(task.status.rawValue)
    writer.key("error")
    writer.string(task.error)
    writer.key("host")
    writer.string(task.host)
    writer.key("kernel")
    writer.string(task.kernel)
    if let version = task.version {
      writer.key("swprof_version")
      writer.string(version)
    }
    writer.key("started_at_unix_ns")
    writer.integer(task.startedAt.nanoseconds)
    writer.key("ended_at_unix_ns")
    if let endedAt = task.endedAt { writer.integer(endedAt.nanoseconds) } else { writer.null() }
    writer.key("duration_ns")
    if let elapsed = task.elapsedNanoseconds { writer.integer(elapsed) } else { writer.null() }
  }

  private static func writeParameters(_ task: ProfilingTask, to writer: inout JSONWriter) {
    let spec = task.spec
    writer.key("requested_duration_ns")
    if let duration = spec.durationNanoseconds { writer.integer(duration) } else { writer.null() }
    writer.key("frequency_hz")
    if let frequency = spec.kind.onCPU?.frequencyHertz { writer.integer(frequency) } else { writer.null() }
    writer.key("jitter_seed")
    if let seed = task.jitterSeed { writer.integer(seed) } else { writer.null() }
    writer.key("event")
    writer.string(task.event)
    writer.key("unwind")
    writer.string(task.unwind)
    writer.key("side")
    writer.string(spec.options.side.rawValue)
    writer.key("include_children")
    writer.bool(spec.options.includesChildren)
    writer.key("off_cpu")
    if let offCPU = spec.kind.offCPU { write(offCPU, to: &writer) } else { writer.null() }
    writer.key("network")
    if let network = spec.kind.network { write(network, to: &writer) } else { writer.null() }
  }

  private static func write(_ parameters: NetworkOptions, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.key("uris")
      writer.strings(parameters.uris)
      writer.key("slower_than_ns")
      writer.integer(parameters.slowerThanNanoseconds)
      writer.key("reasons")
      writer.strings(parameters.reasons.map(\.rawValue))
      writer.key("body_bytes")
      writer.integer(parameters.bodyBytes)
      writer.key("samples_per_endpoint")
      writer.integer(parameters.samplesPerEndpoint)
      writer.key("call_times")
      writer.bool(parameters.callTimes)
      writer.key("folds_identifiers")
      writer.bool(parameters.foldsIdentifiers)
    }
  }

  private static func write(_ parameters: OffCPUOptions, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.key("min_ns")
      writer.integer(parameters.minimumNanoseconds)
      writer.key("max_ns")
      if let maximum = parameters.maximumNanoseconds { writer.integer(maximum) } else { writer.null() }
      writer.key("phases")
      writer.strings(parameters.phases.map(\.rawValue))
      writer.key("states")
      if let states = parameters.states { writer.strings(states) } else { writer.null() }
      writer.key("wakers")
      writer.bool(parameters.wakers)
      writer.key("kernel_threads")
      writer.bool(parameters.kernelThreads)
    }
  }

  private static func writeAccount(_ account: SampleAccount, to writer: inout JSONWriter) {
    writer.key("ticks")
    writer.integer(account.ticks)
    writer.key("samples_taken")
    writer.integer(account.taken)
    writer.key("samples_lost")
    writer.integer(account.lost)
    writer.key("lost_ns")
    writer.integer(account.lostNanoseconds)
    writer.key("left_out")
    writer.object { writer in
      for phase in Phase.allCases {
        let weight = account.leftOut[phase] ?? .zero
        writer.key(phase.rawValue)
        writer.object(isInline: true) { writer in
          writer.key("count")
          writer.integer(weight.count)
          writer.key("ns")
          writer.integer(weight.nanoseconds)
        }
      }
    }
    // Every cause, also the ones at zero: a reader must not wonder whether a cause was counted.
    writer.key("losses")
    writer.object { writer in
      for cause in LossCause.allCases {
        writer.key(cause.rawValue)
        writer.integer(account.losses[cause] ?? 0)
      }
    }
    writer.key("defects")
    writer.object { writer in
      for cause in DefectCause.allCases {
        writer.key(cause.rawValue)
        writer.integer(account.defects[cause] ?? 0)
      }
    }
  }
}
