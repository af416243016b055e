import ProfileModel

extension PolicyReading {
  private static let longestTask = 24 * 3600

  private static let stackOptions = ["side", "user", "kernel", "unwind", "include_children"]

  /// The options of each kind of task beside its type and duration: those of the command, `_` for `-`. `--no-x` is
  /// `x: false`. The target is what the policy matches.
  private static func options(of kind: TaskKind) -> [String] {
    switch kind {
    case .onCPU: ["freq", "jitter"] + stackOptions
    case .offCPU: ["min_block", "max_block", "phase", "state", "wakers"] + stackOptions
    case .network:
      [
        "uri", "slower_than", "sample", "samples", "body", "body_bytes", "content", "call_times", "fold_ids",
        "include_children",
      ]
    }
  }

  func task(_ setting: Setting, durationSeconds: Int) -> TaskSpec? {
    let all = Set(TaskKind.allCases.flatMap(Self.options)).sorted()
    guard let group = setting.group(keys: ["type", "duration"] + all, "a group of keys with 'type'"),
      let type = group.required("type", "oncpu, offcpu or network")?.choice(TaskKind.allCases.map(\.rawValue)),
      let kind = TaskKind(rawValue: type)
    else { return nil }
    let allowed = Self.options(of: kind)
    group.refuse(
      all.filter { !allowed.contains($0) },
      because: "the options of \(type) are duration, \(allowed.joined(separator: ", "))")
    let seconds = group["duration"]?.seconds(in: 1...Self.longestTask) ?? durationSeconds
    return TaskSpec(
      kind: payload(of: kind, group), durationNanoseconds: UInt64(seconds) * 1_000_000_000, options: options(group))
  }

  private func payload(of kind: TaskKind, _ group: SettingGroup) -> TaskSpec.Kind {
    switch kind {
    case .onCPU: .onCPU(onCPU(group))
    case .offCPU: .offCPU(offCPU(group))
    case .network: .network(network(group))
    }
  }

  private func options(_ group: SettingGroup) -> TaskSpec.Options {
    var options = TaskSpec.Options()
    options.side = side(group)
    if let unwind = group["unwind"]?.choice(of: UnwindChoice.self) { options.unwind = unwind }
    if let includes = group["include_children"]?.flag() { options.includesChildren = includes }
    return options
  }

  /// `side: user`, or `user: true` as the command has it.
  private func side(_ group: SettingGroup) -> TaskSpec.Side {
    let keys = ["side", "user", "kernel"].filter { group[$0] != nil }
    for key in keys.dropFirst() { group[key]?.report("'\(key)' and '\(keys[0])' both choose a side; give one of them") }
    let side = group["side"]?.choice(of: TaskSpec.Side.self)
    let (user, kernel) = (group["user"]?.flag(), group["kernel"]?.flag())
    if user == true { return .user }
    if kernel == true { return .kernel }
    return side ?? .both
  }

  private func onCPU(_ group: SettingGroup) -> OnCPUOptions {
    var options = OnCPUOptions()
    if let hertz = group["freq"]?.integer(in: 1...highestFrequency) { options.frequencyHertz = hertz }
    if let jitter = group["jitter"]?.flag() { options.hasJitter = jitter }
    return options
  }

  private func offCPU(_ group: SettingGroup) -> OffCPUOptions {
    var parameters = OffCPUOptions()
    if let time = group["min_block"]?.nanoseconds() { parameters.minimumNanoseconds = time }
    if let setting = group["max_block"], let time = setting.nanoseconds() {
      parameters.maximumNanoseconds = time
      if time < parameters.minimumNanoseconds {
        setting.report("'max_block' is below 'min_block': no wait is that long")
      }
    }
    if let phases = group["phase"]?.list() {
      let words = phases.compactMap { $0.choice(Phase.allCases.map(\.rawValue) + ["all"]) }
      parameters.phases = Phase.allCases.filter { words.contains($0.rawValue) || words.contains("all") }
    }
    if let states = group["state"]?.list() {
      let known = states.flatMap { entry -> [WaitState] in
        if let text = entry.scalarText, let several = WaitState.list(reading: text) { return several }
        return entry.choice(of: WaitState.self).map { [$0] } ?? []
      }
      // As a command has them: each once.
      parameters.states = known.reduce(into: []) { if !$0.contains($1.rawValue) { $0.append($1.rawValue) } }
    }
    if let wakers = group["wakers"]?.flag() { parameters.wakers = wakers }
    return parameters
  }

  private func network(_ group: SettingGroup) -> NetworkOptions {
    var parameters = NetworkOptions(reasons: RequestSample.Reason.standard)
    parameters.uris = (group["uri"]?.list() ?? []).compactMap { entry in
      entry.text("a regular expression").flatMap { entry.pattern($0)?.text }
    }
    if let time = group["slower_than"]?.nanoseconds() { parameters.slowerThanNanoseconds = time }
    if let reasons = group["sample"]?.list() { parameters.reasons = self.reasons(reasons) }
    if group["body"] != nil { group["body_bytes"]?.report("'body_bytes' is the old word for 'body'; give one of them") }
    if let bytes = (group["body"] ?? group["body_bytes"])?.integer(in: 0...4096) { parameters.bodyBytes = bytes }
    if let count = group["samples"]?.integer(in: 0...1000) { parameters.samplesPerEndpoint = count }
    if let times = group["call_times"]?.flag() { parameters.callTimes = times }
    if let folds = group["fold_ids"]?.flag() { parameters.foldsIdentifiers = folds }
    if let content = group["content"], let keeps = content.flag() {
      parameters.keepsContent = keeps
      if !keeps && parameters.bodyBytes > 0 { content.report("'content: false' and 'body' exclude each other") }
    }
    return parameters
  }

  /// `slow,5xx`, `[slow, 5xx]` or `none`.
  private func reasons(_ entries: [Setting]) -> [RequestSample.Reason] {
    let words = entries.flatMap { entry -> [RequestSample.Reason] in
      if let text = entry.scalarText, text != "none" || entries.count == 1,
        let several = RequestSample.Reason.list(reading: text)
      {
        return several
      }
      return entry.choice(of: RequestSample.Reason.self).map { [$0] } ?? []
    }
    return words.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}
