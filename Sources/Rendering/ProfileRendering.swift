import ProfileModel

/// How one task, or several put together, is rendered in the format that was asked for.
package struct ProfileRendering {
  /// Nil where none was asked for.
  package var format: OutputFormat?
  /// What is printed where no format was asked for.
  package var standard = Standard.summary
  package var view = ViewDetails()
  /// Whether off-CPU stacks are weighed by the number of waits.
  package var isByCount = false
  package var perThread = false
  /// Whether frames show their source lines.
  package var withLines = false
  package var isColored = false

  package enum Standard: Sendable {
    case summary
    case top
  }

  /// How a drawing looks.
  package struct ViewDetails: Sendable {
    package var root: CallTree.Root?
    package var isInverted = false
    package var minimumPerMille: UInt64 = 1
    package var title: String?

    package init() {}
  }

  package init(_ format: OutputFormat?) { self.format = format }

  /// What the reader must know of the result where its format has no place for it, the account of its samples first.
  package func notes(on subject: ReportSubject) -> [String] {
    guard let format, format != .top else { return [] }
    var notes = subject.task.map(Summary.account) ?? []
    if subject.kind == .offCPU, format == .folded { notes.append("the numbers are \(unit(subject))") }
    if format == .perfScript, PerfScript.isSummed(subject.profile, kind: subject.kind) {
      notes.append(
        "more than \(PerfScript.sampleLimit) samples: equal ones are printed as one, and the period is their number")
    }
    return notes
  }

  private func measure(_ subject: ReportSubject) -> WeightMeasure {
    subject.kind == .offCPU && !isByCount ? .microseconds : .count
  }

  /// What the numbers of a drawing or a line count, in the plural.
  private func unit(_ subject: ReportSubject) -> String {
    measure(subject) == .microseconds ? "microseconds" : subject.unit
  }

  private func root(_ subject: ReportSubject) -> CallTree.Root {
    view.root ?? (perThread ? .thread : subject.hasThreads ? .process : .none)
  }

  /// The result as text.
  ///
  /// - Precondition: the format is none of bytes (pprof), and one for stacks.
  package func render(_ subject: ReportSubject) -> String {
    switch format {
    case .json: return ProfileJSON.render(subject.task, subject.profile, amount: subject.amount)
    case .perfScript:
      return PerfScript.render(
        subject.profile, kind: subject.kind, event: subject.event,
        elapsedNanoseconds: subject.task?.elapsedNanoseconds, hasPeriods: subject.amount != nil, withLines: withLines)
    case .folded, .svg, .html, .speedscope, .pprof, .top, .dot, nil: return renderShown(subject.weighed)
    }
  }

  /// Renders what has one number for each stack.
  private func renderShown(_ subject: ReportSubject) -> String {
    switch format {
    case .folded:
      return Folded.render(
        subject.profile, root: root(subject), withLines: withLines, measure: measure(subject))
    case .svg: return drawing(subject)
    case .html: return page(subject)
    case .speedscope:
      return Speedscope.render(subject.profile, name: title(subject), measure: measure(subject))
    case .json, .perfScript: preconditionFailure("these have both numbers of a stack")
    case .pprof: preconditionFailure("pprof is no text")
    case .dot: preconditionFailure("dot is refused for stacks by every command")
    case .top: return top(subject)
    case nil:
      guard standard == .summary, let task = subject.task else { return top(subject) }
      return Summary.render(task: task, profile: subject.profile, isColored: isColored)
    }
  }

  private func title(_ subject: ReportSubject) -> String { view.title ?? subject.title }

  private func drawing(_ subject: ReportSubject) -> String {
    SVG.render(
      subject.profile, title: title(subject), subtitle: subject.subtitle(unit: unit(subject)), unit: unit(subject),
      palette: subject.kind == .offCPU ? .offCPU : .onCPU, root: root(subject), isInverted: view.isInverted,
      withLines: withLines, measure: measure(subject), minimumPerMille: view.minimumPerMille)
  }

  private func page(_ subject: ReportSubject) -> String {
    HTMLReport.render(
      HTMLReport.Subject(
        title: title(subject), task: subject.task, unit: subject.unit, isOffCPU: subject.kind == .offCPU,
        hasThreads: subject.hasThreads), subject.profile, measure: measure(subject))
  }

  private func top(_ subject: ReportSubject) -> String {
    let id = subject.task?.id.rawValue ?? 0
    let commands = id == 0 ? [] : ["swprof report \(id) --svg -o \(id).svg", "swprof tasks show \(id)"]
    return TopReport.render(
      task: subject.task, profile: subject.profile, measure: measure(subject), unit: unit(subject), root: root(subject),
      nextCommands: commands, isColored: isColored)
  }
}
