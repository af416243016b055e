import ProfileModel
import Rendering

/// Renders one network task in the format that was asked for.
///
/// The command has refused formats for stacks before, by `OutputOptions.requireNetworkFormat()`.
struct NetworkOutput {
  let options: OutputOptions
  let verbosity: Verbosity
  /// What a drawing and a page are called; nil for what names the task.
  var title: String?

  /// Writes the result; what the reader must know of it goes to standard error where the format has no place for it.
  func write(_ task: ProfilingTask, _ profile: NetworkProfile, to sink: inout OutputSink) throws {
    try sink.write(render(task, profile))
    guard options.chosenFormat != nil else { return }
    let lines = NetworkSummary.account(of: task, profile)
    // The account comes first. A loss is never passed over.
    let isLossy = task.account.lost > 0 || profile.losses.values.contains { $0 > 0 }
    if verbosity == .quiet, isLossy { Terminal.complain(lines[0]) }
    for line in lines { verbosity.note(line) }
  }

  private func render(_ task: ProfilingTask, _ profile: NetworkProfile) -> String {
    let title = title ?? "swprof \(task.kind.rawValue): \(task.target)"
    switch options.chosenFormat {
    case .svg: return NetworkMap.render(task, profile, title: title)
    case .html: return NetworkReport.render(task, profile, title: title)
    case .json: return NetworkJSON.render(task, profile)
    case .dot: return NetworkDOT.render(task, profile)
    case nil:
      return NetworkSummary.render(
        task: task, profile: profile, isColored: options.colors.isColored(output: options.output))
    case .folded, .speedscope, .pprof, .perfScript, .top:
      preconditionFailure("formats for stacks are refused by every command")
    }
  }
}
