import Pprof
import ProfileModel
import Rendering

/// Renders one task, or several put together, in the format that was asked for.
struct ProfileOutput {
  let options: OutputOptions
  let verbosity: Verbosity
  var view = ViewDetails()
  /// What is printed where no format was asked for.
  var standard = Standard.summary

  enum Standard {
    case summary
    case top
  }

  /// How a drawing looks.
  struct ViewDetails {
    var root: CallTree.Root?
    var isInverted = false
    var minimumPerMille: UInt64 = 1
    var title: String?
  }

  /// Writes the result; what the reader must know of it goes to standard error where the format has no place for it.
  func write(_ subject: ReportSubject, to sink: inout OutputSink) throws {
    if options.chosenFormat == .pprof {
      try sink.write(PprofWriter.render([subject.profile], subject.pprof))
    } else {
      try sink.write(render(subject))
    }
    guard let format = options.chosenFormat, format != .top else { return }
    if let task = subject.task {
      let lines = Summary.account(of: task)
      // The account comes first. A loss is never passed over.
      if verbosity == .quiet, task.account.lost > 0 { Terminal.complain(lines[0]) }
      for line in lines { verbosity.note(line) }
    }
    if subject.kind == .offCPU, format == .folded { verbosity.note("the numbers are \(unit(subject))") }
    if format == .perfScript, PerfScript.isSummed(subject.profile, kind: subject.kind) {
      verbosity.note(
        "more than \(PerfScript.sampleLimit) samples: equal ones are printed as one, and the period is their number")
    }
  }

  private func measure(_ subject: ReportSubject) -> WeightMeasure {
    subject.kind == .offCPU && options.by != .count ? .microseconds : .count
  }

  /// What the numbers of a drawing or a line count, in the plural.
  private func unit(_ subject: ReportSubject) -> String {
    measure(subject) == .microseconds ? "microseconds" : subject.unit
  }

  private func root(_ subject: ReportSubject) -> CallTree.Root {
    view.root ?? (options.perThread ? .thread : subject.hasThreads ? .process : .none)
  }

  private func render(_ subject: ReportSubject) -> String {
    switch options.chosenFormat {
    case .json: return ProfileJSON.render(subject.task, subject.profile, amount: subject.amount)
    case .perfScript:
      return PerfScript.render(
        subject.profile, kind: subject.kind, event: subject.event,
        elapsedNanoseconds: subject.task?.elapsedNanoseconds, hasPeriods: subject.amount != nil)
    default: return renderShown(subject.weighed)
    }
  }

  /// Renders what has one number for each stack.
  private func renderShown(_ subject: ReportSubject) -> String {
    switch options.chosenFormat {
    case .folded:
      return Folded.render(
        subject.profile, root: root(subject), withLines: options.lines, measure: measure(subject))
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
      withLines: options.lines, measure: measure(subject), minimumPerMille: view.minimumPerMille)
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

  private var isColored: Bool { options.colors.isColored(output: options.output) }
}

/// What a report is about: a task of ours, or a profile from a file.
struct ReportSubject {
  var profile: Profile
  /// Nil for a profile from a file.
  let task: ProfilingTask?
  let kind: TaskKind?
  /// What the profile counts, in the plural.
  private(set) var unit: String
  /// By what stacks weigh, in the place of nanoseconds; nil where they weigh by their counts.
  private(set) var amount: ImportedAmount?
  private let importedEvent: String?
  let hasThreads: Bool
  /// What it is called unless the user says otherwise.
  var title: String

  init(_ task: ProfilingTask, _ profile: Profile) {
    self.profile = profile
    self.task = task
    kind = task.kind
    unit = task.kind.unit
    importedEvent = nil
    hasThreads = true
    title = "swprof \(task.kind.rawValue): \(task.target)"
  }

  /// - Parameter files: as the user names them.
  init(_ imported: ImportedProfile, files: [String]) {
    profile = imported.profile
    task = nil
    kind = imported.kind
    unit = imported.unit
    amount = imported.amount
    importedEvent = imported.event
    hasThreads = imported.hasThreads
    title = files.joined(separator: ", ")
  }

  /// The subject with amounts as its counts.
  var weighed: ReportSubject {
    guard let amount else { return self }
    var subject = self
    subject.profile = profile.weighedByAmount
    subject.unit = amount.plural
    subject.amount = nil
    return subject
  }

  /// What a pprof file says of it.
  var pprof: PprofDescription {
    if let task { return PprofDescription(task) }
    var description = PprofDescription(kind: kind, unit: unit, hasThreads: hasThreads)
    description.amount = amount
    return description
  }

  /// What perf would call the event of its samples.
  var event: String {
    if let importedEvent { return importedEvent }
    if kind == .onCPU, let task { return task.event }
    return kind?.words.perfEvent ?? unit
  }

  /// How much was recorded, how and where.
  func subtitle(unit: String) -> String {
    guard let task else {
      let total = profile.total
      return "\(NumberText.grouped(unit == "microseconds" ? total.nanoseconds / 1000 : total.count)) \(unit)"
    }
    let rate = task.spec.kind.onCPU.map { " \($0.frequencyHertz) Hz," } ?? ""
    return "\(task.account.taken) \(task.kind.unit), \(task.account.lost) lost,\(rate) \(task.event),"
      + " \(task.host), kernel \(task.kernel)"
  }
}
