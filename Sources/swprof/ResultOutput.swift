import Pprof
import ProfileModel
import Rendering

/// Prints the result of a task in the format that was asked for, and on standard error what the reader must know of it.
struct ResultOutput {
  let options: OutputOptions
  let verbosity: Verbosity
  var view = ProfileRendering.ViewDetails()
  /// What is printed where no format was asked for.
  var standard = ProfileRendering.Standard.summary

  func write(_ subject: ReportSubject, to sink: inout OutputSink) throws {
    var rendering = ProfileRendering(options.chosenFormat)
    rendering.standard = standard
    rendering.view = view
    rendering.isByCount = options.by == .count
    rendering.perThread = options.perThread
    rendering.withLines = options.lines
    rendering.isColored = isColored
    if options.chosenFormat == .pprof {
      try sink.write(PprofWriter.render([subject.profile], subject.pprof))
    } else {
      try sink.write(rendering.render(subject))
    }
    tell(rendering.notes(on: subject), isLossy: (subject.task?.account.lost ?? 0) > 0)
  }

  /// The command has refused formats for stacks before, by `OutputOptions.requireNetworkFormat()`.
  func write(_ task: ProfilingTask, _ profile: NetworkProfile, to sink: inout OutputSink) throws {
    let rendering = NetworkRendering(options.chosenFormat, title: view.title, isColored: isColored)
    try sink.write(rendering.render(task, profile))
    let isLossy = task.account.lost > 0 || profile.losses.values.contains { $0 > 0 }
    tell(rendering.notes(on: task, profile), isLossy: isLossy)
  }

  /// The account comes first. A loss is never passed over.
  private func tell(_ notes: [String], isLossy: Bool) {
    if verbosity == .quiet, isLossy, let account = notes.first { Terminal.complain(account) }
    for note in notes { verbosity.note(note) }
  }

  private var isColored: Bool { options.colors.isColored(output: options.output) }
}

extension ReportSubject {
  /// What a pprof file says of it.
  fileprivate var pprof: PprofDescription {
    if let task { return PprofDescription(task) }
    var description = PprofDescription(kind: kind, unit: unit, hasThreads: hasThreads)
    description.amount = amount
    return description
  }
}
