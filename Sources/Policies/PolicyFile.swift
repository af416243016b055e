import ProfileModel

/// Policies as a file has them.
package enum PolicyFile {
  /// Reads policies; all problems of the file are told at once.
  ///
  /// - Parameters:
  ///   - name: of the file, for the problems.
  ///   - highestFrequency: of on-CPU tasks, in Hz.
  package static func parse(
    _ bytes: [UInt8], name: String, highestFrequency: Int = 100_000
  ) throws(PolicyFileError) -> PolicySet {
    let problems = ProblemList()
    let set = YAMLDocument.read(bytes, problems: problems).flatMap {
      PolicyReading(highestFrequency: highestFrequency).set($0)
    }
    guard problems.problems.isEmpty, let set else {
      let found = problems.problems
      throw PolicyFileError(
        file: name,
        problems: found.isEmpty ? [PolicyProblem(line: 1, column: 1, sentence: "this is no policy file")] : found)
    }
    return set
  }
}

/// Makes policies of settings.
struct PolicyReading {
  let highestFrequency: Int

  private static let longestTask = 24 * 3600
  private static let longestCooldown = 30 * 86_400
  private static let longestLookback = 300

  private static let keys = [
    "defaults", "policies", "max_tasks_per_hour", "host_load_limit", "max_concurrent_tasks", "max_db_size", "retention",
    "lookback",
  ]

  func set(_ root: Setting) -> PolicySet? {
    guard let file = root.group(keys: Self.keys, "a group of keys with 'policies'") else { return nil }
    let defaults = defaults(file["defaults"])
    let limits = limits(file)
    guard let list = file.required("policies", "a list of policies") else { return nil }
    guard let entries = list.entries("a list of policies") else { return nil }
    var names: Set<String> = []
    let policies = entries.compactMap { entry -> Policy? in
      let policy = policy(entry.renamed("a policy"), defaults)
      if let setting = policy?.name, let name = setting.text("a name"), !names.insert(name).inserted {
        setting.report("another policy has the name '\(name)'; give each its own")
      }
      return policy?.policy
    }
    return PolicySet(policies: policies, limits: limits)
  }

  /// What policies do not have to say.
  private struct Defaults {
    var durationSeconds = 600
    var cooldownSeconds = 1200
  }

  private func defaults(_ setting: Setting?) -> Defaults {
    var defaults = Defaults()
    guard let group = setting?.group(keys: ["duration", "cooldown"], "a group of keys") else { return defaults }
    if let seconds = group["duration"]?.seconds(in: 1...Self.longestTask) { defaults.durationSeconds = seconds }
    if let seconds = group["cooldown"]?.seconds(in: 1...Self.longestCooldown) { defaults.cooldownSeconds = seconds }
    return defaults
  }

  private func limits(_ file: SettingGroup) -> WatchLimits {
    var limits = WatchLimits()
    limits.maximumTasksPerHour = file["max_tasks_per_hour"]?.integer(in: 1...10_000)
    limits.hostLoadLimit = file["host_load_limit"]?.positiveNumber()
    if let count = file["max_concurrent_tasks"]?.integer(in: 1...64) { limits.maximumConcurrentTasks = count }
    limits.maximumDatabaseBytes = file["max_db_size"]?.bytes(atLeast: 1 << 20)
    if let seconds = file["retention"]?.seconds(in: 60...366 * 86_400) { limits.retentionSeconds = seconds }
    if let seconds = file["lookback"]?.seconds(in: 1...Self.longestLookback) { limits.lookbackSeconds = seconds }
    return limits
  }

  private func policy(_ setting: Setting, _ defaults: Defaults) -> (policy: Policy?, name: Setting)? {
    guard
      let group = setting.group(keys: ["name", "match", "task", "cooldown", "rules"], "a group of keys with 'name'")
    else { return nil }
    let nameSetting = group.required("name", "a name of its own")
    let name = nameSetting.flatMap { self.name($0) }
    let match = group.required("match", "which processes are watched: comm, exe, cmdline, cgroup or user").flatMap(
      match)
    let task = group.required("task", "what is started: { type: oncpu }").flatMap {
      self.task($0, durationSeconds: defaults.durationSeconds)
    }
    let cooldown = group["cooldown"].map { $0.seconds(in: 1...Self.longestCooldown) } ?? defaults.cooldownSeconds
    let rules = group.required("rules", "a list of rules").flatMap { $0.entries("a list of rules") }.map { entries in
      entries.map { self.rule($0.renamed("a rule")) }
    }
    guard let nameSetting else { return nil }
    guard let name, let match, let task, let cooldown, let rules else { return (nil, nameSetting) }
    let policy = Policy(
      name: name, match: match, task: task, cooldownSeconds: cooldown, rules: rules.compactMap(\.self))
    return (policy, nameSetting)
  }

  private func name(_ setting: Setting) -> String? {
    guard let name = setting.text("a name") else { return nil }
    guard name.utf8.count <= 100, name.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
      return setting.reject("a policy's name has at most 100 bytes, none of them a control character")
    }
    return name
  }

  private func match(_ setting: Setting) -> ProcessMatch? {
    let keys = ["comm", "exe", "cmdline", "cgroup", "user"]
    guard let group = setting.group(keys: keys, "a group of keys: comm, exe, cmdline, cgroup or user") else {
      return nil
    }
    var match = ProcessMatch()
    match.names = patterns(group["comm"], "a name or a pattern of names", processName)
    match.executables = patterns(group["exe"], "a path or a pattern of paths", glob)
    match.cgroups = patterns(group["cgroup"], "the path of a control group, as /proc/PID/cgroup has it", cgroup)
    match.commandLines = patterns(group["cmdline"], "a regular expression") { $0.pattern($1) }
    match.users = patterns(group["user"], "a user's name or number") { $1 }
    if keys.allSatisfy({ group[$0] == nil }) {
      setting.report("'match' is empty and would watch every process; give comm, exe, cmdline, cgroup or user")
    }
    return match
  }

  private func patterns<Value>(
    _ setting: Setting?, _ expected: String, _ convert: (Setting, String) -> Value?
  ) -> [Value] {
    (setting?.list() ?? []).compactMap { entry in entry.text(expected).flatMap { convert(entry, $0) } }
  }

  private func glob(_ setting: Setting, _ text: String) -> Glob? {
    Glob(text)
      ?? setting.reject("'\(Setting.shortened(text))' is no pattern: its bracket is not closed, or upside down")
  }

  /// A pattern for names of processes, of which the kernel keeps 15 bytes (`TASK_COMM_LEN`, include/linux/sched.h).
  private func processName(_ setting: Setting, _ text: String) -> Glob? {
    guard let glob = glob(setting, text) else { return nil }
    guard glob.minimumLength > Self.longestName else { return glob }
    let shown = Setting.shortened(text)
    return setting.reject(
      "'\(shown)' fits no name: it takes \(glob.minimumLength) bytes or more, and the kernel keeps \(Self.longestName) of a"
        + " name, see 'ps -eo pid,comm'; shorten it, or match by exe or cmdline")
  }

  private static let longestName = 15

  private func cgroup(_ setting: Setting, _ text: String) -> Glob? {
    guard text.hasPrefix("/") else {
      return setting.reject("control group '\(Setting.shortened(text))' does not begin with '/'; see /proc/PID/cgroup")
    }
    return glob(setting, text)
  }
}
