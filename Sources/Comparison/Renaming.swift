import ProfileModel

/// New names for the modules and processes of a profile.
struct Renaming: Sendable {
  /// By `ModuleName`.
  private let modules: [String: String]
  private let processes: [String: String]
  /// Names of processes that are the outermost frames of stacks.
  private let roots: [String: String]
  private let keepsModules: Bool

  /// The kernel keeps so many bytes of a process's name (TASK_COMM_LEN less the zero).
  private static let commBytes = 15

  init(modules: NamePairs.Names, processes: NamePairs.Names, roots: NamePairs.Names, keepsModules: Bool) {
    self.modules = modules
    self.processes = processes
    self.roots = roots
    self.keepsModules = keepsModules
  }

  func apply(to profile: Profile) -> Profile {
    var renamed = profile
    let names = profile.modules.map(ModuleName.of)
    renamed.modules = zip(profile.modules, names).map { module, name in
      if let label = modules[name] { return Module(path: label) }
      return name == module.name ? module : Module(path: name, buildID: module.buildID)
    }
    renamed.frames = profile.frames.map { frame in
      Frame(
        function: function(frame, frame.module.map { names[$0] }), module: keepsModules ? frame.module : nil,
        address: frame.address, origin: frame.origin, isInlined: frame.isInlined, source: frame.source)
    }
    renamed.threads = profile.threads.map { thread in
      ProfiledThread(
        process: thread.process, thread: thread.thread,
        processName: processes[thread.processName] ?? thread.processName,
        name: processes[thread.name] ?? thread.name)
    }
    return renamed
  }

  private func function(_ frame: Frame, _ module: String?) -> String {
    if module == nil, let label = roots[frame.function] { return label }
    guard frame.origin == .unresolved || module == nil && frame.function.hasPrefix("[") else { return frame.function }
    if let module, let label = modules[module] { return replaced(module, by: label, in: frame.function) }
    guard module == nil else { return frame.function }
    // Folded stacks have places without a name as `[program]` or `[program+0x12]`.
    for (name, label) in roots where frame.function.hasPrefix("[" + name) {
      let rest = frame.function.dropFirst(1 + name.count)
      if rest.hasPrefix("+") || rest.hasPrefix("]") { return replaced(name, by: label, in: frame.function) }
      // The name of a process is cut, that of its file is not.
      if name.utf8.count == Self.commBytes { return "[\(bare(label))\(rest.drop { $0 != "+" && $0 != "]" })" }
    }
    return frame.function
  }

  /// `[old-bench+0x12]` as `[program+0x12]`.
  private func replaced(_ name: String, by label: String, in function: String) -> String {
    guard function.hasPrefix("[" + name) else { return function }
    return "[" + bare(label) + function.dropFirst(1 + name.count)
  }

  private func bare(_ label: String) -> Substring {
    label.hasPrefix("[") && label.hasSuffix("]") ? label.dropFirst().dropLast() : label[...]
  }
}

extension NamePairs {
  /// What names become.
  typealias Names = [String: String]
}
