import ProfileModel
import Rendering

/// Renders a task in the format that was asked for.
struct ProfileOutput {
  let options: OutputOptions
  let environment: [String: String]

  func render(_ task: ProfilingTask, _ profile: Profile) throws -> String {
    switch options.chosenFormat {
    case .folded:
      return Folded.render(profile, perThread: options.perThread)
    case .svg:
      let account = task.account
      return SVG.render(
        profile, title: "swprof \(task.kind.rawValue): \(task.target)",
        subtitle: "\(account.taken) samples, \(account.lost) lost, \(task.parameters.frequencyHertz) Hz,"
          + " \(task.parameters.event), \(task.host), kernel \(task.kernel)",
        perThread: options.perThread)
    case .json:
      return ProfileJSON.render(task, profile)
    case nil:
      let isColored = (options.output ?? "-") == "-" && Terminal.isColored(environment: environment)
      return Summary.render(task: task, profile: profile, isColored: isColored)
    }
  }
}
