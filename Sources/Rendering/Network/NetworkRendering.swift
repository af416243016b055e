package import ProfileModel

/// How a network task is rendered in the format that was asked for.
package struct NetworkRendering {
  /// Nil where none was asked for.
  package var format: OutputFormat?
  /// What a drawing and a page are called; nil for what names the task.
  package var title: String?
  package var isColored: Bool

  package init(_ format: OutputFormat?, title: String?, isColored: Bool) {
    self.format = format
    self.title = title
    self.isColored = isColored
  }

  /// What the reader must know of the result where its format has no place for it, the account of connections first.
  package func notes(on task: ProfilingTask, _ profile: NetworkProfile) -> [String] {
    format == nil ? [] : NetworkSummary.account(of: task, profile)
  }

  /// - Precondition: the format is not one for stacks alone.
  package func render(_ task: ProfilingTask, _ profile: NetworkProfile) -> String {
    let title = title ?? "swprof \(task.kind.rawValue): \(task.target)"
    switch format {
    case .svg: return NetworkMap.render(task, profile, title: title)
    case .html: return NetworkReport.render(task, profile, title: title)
    case .json: return NetworkJSON.render(task, profile)
    case .dot: return NetworkDOT.render(task, profile)
    case nil:
      return NetworkSummary.render(
        task: task, profile: profile, isColored: isColored)
    case .folded, .speedscope, .pprof, .perfScript, .top:
      preconditionFailure("formats for stacks are refused by every command")
    }
  }
}
