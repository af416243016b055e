package import ProfileModel

/// What a report is about: a task of ours, or a profile from a file.
package struct ReportSubject {
  package var profile: Profile
  /// Nil for a profile from a file.
  package let task: ProfilingTask?
  package let kind: TaskKind?
  /// What the profile counts, in the plural.
  package private(set) var unit: String
  /// By what stacks weigh, in the place of nanoseconds; nil where they weigh by their counts.
  package private(set) var amount: ImportedAmount?
  private let importedEvent: String?
  package let hasThreads: Bool
  /// What it is called unless the user says otherwise.
  package var title: String

  package init(_ task: ProfilingTask, _ profile: Profile) {
    self.profile = profile
    self.task = task
    kind = task.kind
    unit = task.kind.unit
    importedEvent = nil
    hasThreads = true
    title = "swprof \(task.kind.rawValue): \(task.target)"
  }

  /// - Parameter files: as the user names them.
  package init(_ imported: ImportedProfile, files: [String]) {
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

  /// What was recorded in a span of time, in ns since the start; nil where only sums are known.
  package func cut(to span: Range<UInt64>) -> ReportSubject? {
    guard let timeline = profile.timeline, let part = profile.during(timeline.slots(touching: span)) else { return nil }
    var subject = self
    subject.profile = part
    let end = span.upperBound == .max ? "its end" : TimeText.duration(nanoseconds: span.upperBound)
    subject.title += ", from \(TimeText.duration(nanoseconds: span.lowerBound)) to \(end)"
    return subject
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
