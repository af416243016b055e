import LinuxSystem
import ProfileModel
import Recording
import Rendering
import Storage

/// Runs the task of a capture command, and prints what comes of it.
struct CaptureOutput {
  let result: ResultOptions
  private let progress: ProgressLine

  init(_ result: ResultOptions) {
    self.result = result
    progress = ProgressLine(result.manners.verbosity)
  }

  func run(_ spec: TaskSpec, _ tuning: RecordingTuning) throws {
    verbosity.noteCaller()
    var request = RecordingSession.Request(spec)
    request.tuning = tuning
    request.note = result.note
    request.isRedacted = result.redactArgs
    var session = try RecordingSession(request) { tell($0) }
    // What cannot be written is known before anything is recorded.
    var sink = try OutputSink(result.output.output)
    let recorded = try session.record { result.noStore ? nil : StoreSink(try StoreAccess.writable(result.store)) }
    try write(recorded, to: &sink)
    try recorded.close { timings in
      if verbosity == .verbose || Environment.variables["SWPROF_TIMINGS"] != nil { Terminal.complain(timings) }
    }
    try leave(recorded)
  }

  private var verbosity: Verbosity { result.manners.verbosity }

  private func tell(_ news: RecordingNews) {
    switch news {
    case .detail(let sentence): verbosity.detail(sentence)
    case .progress(let text?): progress.show(text)
    case .progress(nil): progress.clear()
    case .began(let task): verbosity.detail("task \(task) in database '\(StoreAccess.path(result.store))'")
    }
  }

  private func write(_ recorded: RecordedTask, to sink: inout OutputSink) throws {
    let output = ResultOutput(options: result.output, verbosity: verbosity)
    switch recorded.result {
    case .stacks(let profile):
      try output.write(ReportSubject(recorded.task, result.output.native.shown(profile)), to: &sink)
    case .network(let profile): try output.write(recorded.task, profile, to: &sink)
    }
  }

  /// Ends as the command did; a command that still runs is left alone.
  private func leave(_ recorded: RecordedTask) throws {
    switch recorded.end {
    case .commandEnded(let end):
      if end.exitCode != 0 { throw CommandStatus(code: end.exitCode) }
    case .duration:
      if let command = recorded.command { verbosity.note("the command still runs, as process \(command)") }
    case .signal, .targetsGone:
      break
    }
  }
}
