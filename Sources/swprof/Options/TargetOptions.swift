import ArgumentParser
import LinuxSystem
import ProfileModel

/// What to profile, in the grammar that all capture commands share.
struct TargetOptions: ParsableArguments {
  @Option(
    name: .long, help: ArgumentHelp("Profile these processes.", valueName: "N[,N...]"),
    completion: .custom(ShellCompletion.processes))
  var pid: PidList?

  @Option(
    name: .long, help: ArgumentHelp("Profile every process of this name.", valueName: "name"),
    completion: .custom(ShellCompletion.processNames))
  var comm: String?

  @Option(
    name: .long, help: ArgumentHelp("Profile the members of this control group.", valueName: "path"),
    completion: .directory)
  var cgroup: String?

  @Flag(name: .long, help: "Profile everything that runs.")
  var all = false

  @Flag(
    inversion: .prefixedNo,
    help: "Include the children that the targets have started, and follow those that they start.")
  var includeChildren = true

  @Argument(parsing: .postTerminator, help: ArgumentHelp("Run this command and profile it.", valueName: "command"))
  var command: [String] = []

  func validate() throws {
    let given = [pid != nil, comm != nil, cgroup != nil, all, !command.isEmpty].filter { $0 }.count
    if given == 0 {
      throw ValidationError("what to profile? give one of --pid, --comm, --cgroup, --all or '-- COMMAND'")
    }
    if given > 1 {
      throw ValidationError("give only one of --pid, --comm, --cgroup, --all and '-- COMMAND'")
    }
    if let comm, comm.isEmpty || comm.utf8.count > 15 {
      throw ValidationError("'--comm \(comm)': the kernel keeps 1 to 15 bytes of a name, see 'ps -eo pid,comm'")
    }
  }

  /// How long a capture of running processes takes unless told otherwise.
  private static let defaultDuration = TimeLength(nanoseconds: 30_000_000_000)

  /// A task with these targets. Without a duration, a command is captured until it ends.
  func spec(_ kind: TaskSpec.Kind, duration: TimeLength?) -> TaskSpec {
    let length = duration ?? (command.isEmpty ? Self.defaultDuration : nil)
    var spec = TaskSpec(target: target, kind: kind, durationNanoseconds: length?.nanoseconds)
    spec.options.includesChildren = includeChildren
    return spec
  }

  private var target: TaskSpec.Target {
    if let pid { return .processes(pid.processes) }
    if let comm { return .name(comm) }
    if let cgroup { return .cgroup(cgroup) }
    return all ? .all : .command(command)
  }
}

/// `N` or `N,N,...`, each a positive number, each once.
struct PidList: ExpressibleByArgument {
  let processes: [ProcessID]

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int32($0) }
    guard numbers.allSatisfy({ $0.map { $0 > 0 } ?? false }) else { return nil }
    var seen: Set<Int32> = []
    processes = numbers.compactMap { $0 }.filter { seen.insert($0).inserted }.map(ProcessID.init(rawValue:))
  }
}
