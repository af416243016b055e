import LinuxSystem
import ProfileModel

extension TaskSpec {
  /// The target in words, for the task's record.
  ///
  /// - Parameter isRedacted: whether of a command line only the program's name is told.
  func targetWords(isRedacted: Bool) -> String {
    switch target {
    case .processes(let processes): words(for: processes)
    case .name(let name): "comm \(name)"
    case .cgroup(let path): "cgroup \(path)"
    case .all: "all processes"
    case .command(let command): "command " + (isRedacted ? command.prefix(1) : command[...]).joined(separator: " ")
    }
  }

  private func words(for processes: [ProcessID]) -> String {
    let named = processes.map { process in
      (try? ProcessTable.name(of: process)).map { "\(process) (\($0))" } ?? "\(process)"
    }
    let children =
      options.includesChildren ? ProcessTable.descendants(of: processes).count { $0 != ProcessTable.own } : 0
    return (named.count == 1 ? "pid " : "pids ") + named.joined(separator: ", ")
      + (children == 0 ? "" : " and \(children) \(children == 1 ? "child" : "children")")
  }
}

extension TaskSpec.Target {
  /// The processes that the target names now.
  var listedProcesses: [ProcessID] {
    switch self {
    case .processes(let processes): processes
    case .name(let name):
      ((try? ProcessTable.processes()) ?? []).filter { (try? ProcessTable.name(of: $0)) == name }
    case .cgroup, .all, .command: []
    }
  }
}
