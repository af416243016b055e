import ProfileModel
import Rendering

/// Renders a task in the format that was asked for.
struct ProfileOutput {
  let options: OutputOptions
  let environment: [String: String]

  /// Writes the result; what the reader must know of it goes to standard error where the format has no place for it.
  func write(_ task: ProfilingTask, _ profile: Profile, to sink: inout OutputSink) throws {
    try sink.write(render(task, profile))
    if options.chosenFormat != nil {
      for line in Summary.account(of: task) { Terminal.complain(line) }
      if task.kind == .offCPU, options.chosenFormat == .folded { Terminal.complain("the numbers are \(unit(task))") }
    }
  }

  private func measure(_ task: ProfilingTask) -> WeightMeasure {
    task.kind == .offCPU && options.by != .count ? .microseconds : .count
  }

  /// What the numbers of a drawing or a line count, in the plural.
  private func unit(_ task: ProfilingTask) -> String {
    measure(task) == .microseconds ? "microseconds" : task.kind.unit
  }

  private func render(_ task: ProfilingTask, _ profile: Profile) -> String {
    switch options.chosenFormat {
    case .folded:
      return Folded.render(
        profile, perThread: options.perThread, withLines: options.lines, measure: measure(task))
    case .svg:
      let account = task.account
      return SVG.render(
        profile, title: "swprof \(task.kind.rawValue): \(task.target)",
        subtitle: "\(account.taken) \(task.kind.unit), \(account.lost) lost,"
          + "\(task.parameters.frequencyHertz.map { " \($0) Hz," } ?? "") \(task.parameters.event), \(task.host),"
          + " kernel \(task.kernel)",
        unit: unit(task), palette: task.kind == .offCPU ? .offCPU : .onCPU, perThread: options.perThread,
        withLines: options.lines, measure: measure(task))
    case .json:
      return ProfileJSON.render(task, profile)
    case nil:
      let isColored = (options.output ?? "-") == "-" && Terminal.isColored(environment: environment)
      return Summary.render(task: task, profile: profile, isColored: isColored)
    }
  }
}
