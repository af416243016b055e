import ProfileModel
import Rendering

/// Renders one task, or several put together, in the format that was asked for.
struct ProfileOutput {
  let options: OutputOptions
  let environment: [String: String]
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
  func write(_ task: ProfilingTask, _ profile: Profile, to sink: inout OutputSink) throws {
    try sink.write(render(task, profile))
    guard let format = options.chosenFormat, format != .top else { return }
    for line in Summary.account(of: task) { Terminal.complain(line) }
    if task.kind == .offCPU, format == .folded { Terminal.complain("the numbers are \(unit(task))") }
  }

  private func measure(_ task: ProfilingTask) -> WeightMeasure {
    task.kind == .offCPU && options.by != .count ? .microseconds : .count
  }

  /// What the numbers of a drawing or a line count, in the plural.
  private func unit(_ task: ProfilingTask) -> String {
    measure(task) == .microseconds ? "microseconds" : task.kind.unit
  }

  private var root: CallTree.Root { view.root ?? (options.perThread ? .thread : .process) }

  private func render(_ task: ProfilingTask, _ profile: Profile) -> String {
    switch options.chosenFormat {
    case .folded:
      return Folded.render(profile, root: root, withLines: options.lines, measure: measure(task))
    case .svg: return drawing(task, profile)
    case .json: return ProfileJSON.render(task, profile)
    case .speedscope: return Speedscope.render(profile, name: title(task), measure: measure(task))
    case .top: return top(task, profile)
    case nil where standard == .top: return top(task, profile)
    case nil: return Summary.render(task: task, profile: profile, isColored: isColored)
    }
  }

  private func title(_ task: ProfilingTask) -> String {
    view.title ?? "swprof \(task.kind.rawValue): \(task.target)"
  }

  private func drawing(_ task: ProfilingTask, _ profile: Profile) -> String {
    let account = task.account
    let rate = task.parameters.frequencyHertz.map { " \($0) Hz," } ?? ""
    return SVG.render(
      profile, title: title(task),
      subtitle:
        "\(account.taken) \(task.kind.unit), \(account.lost) lost,\(rate) \(task.parameters.event), \(task.host),"
        + " kernel \(task.kernel)",
      unit: unit(task), palette: task.kind == .offCPU ? .offCPU : .onCPU, root: root, isInverted: view.isInverted,
      withLines: options.lines, measure: measure(task), minimumPerMille: view.minimumPerMille)
  }

  private func top(_ task: ProfilingTask, _ profile: Profile) -> String {
    let id = task.id.rawValue
    let commands = id == 0 ? [] : ["swprof report \(id) --svg -o \(id).svg", "swprof tasks show \(id)"]
    return TopReport.render(
      task: task, profile: profile, measure: measure(task), nextCommands: commands, isColored: isColored)
  }

  private var isColored: Bool {
    (options.output ?? "-") == "-" && Terminal.isColored(environment: environment)
  }
}
