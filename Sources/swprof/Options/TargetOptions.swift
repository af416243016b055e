import ArgumentParser
import Capture
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

  /// The target in words, for the task's record.
  ///
  /// - Parameter isRedacted: whether of a command line only the program's name is told.
  func description(isRedacted: Bool) -> String {
    if let pid {
      let named = pid.processes.map { process in
        (try? ProcessTable.name(of: process)).map { "\(process) (\($0))" } ?? "\(process)"
      }
      let children = includeChildren ? ProcessTable.descendants(of: pid.processes).count { $0 != ProcessTable.own } : 0
      return (named.count == 1 ? "pid " : "pids ") + named.joined(separator: ", ")
        + (children == 0 ? "" : " and \(children) \(children == 1 ? "child" : "children")")
    }
    if let comm { return "comm \(comm)" }
    if let cgroup { return "cgroup \(cgroup)" }
    if all { return "all processes" }
    return "command " + (isRedacted ? command.prefix(1) : command[...]).joined(separator: " ")
  }

  /// The processes that the options name now.
  var listedProcesses: [ProcessID] {
    if let pid { return pid.processes }
    guard let comm else { return [] }
    return ((try? ProcessTable.processes()) ?? []).filter { (try? ProcessTable.name(of: $0)) == comm }
  }

  var target: TaskSpec.Target {
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
