import ProfileModel

extension PolicyReading {
  private static let longestTask = 24 * 3600

  /// The options of each kind of task beside its type and duration.
  private static let options: [TaskKind: [String]] = [
    .onCPU: ["freq", "side", "unwind", "include_children"],
    .offCPU: ["min_block", "max_block", "phase", "state", "wakers", "side", "unwind", "include_children"],
    .network: ["uri", "slower_than", "body_bytes", "samples", "call_times", "fold_ids"],
  ]

  func task(_ setting: Setting, durationSeconds: Int) -> TaskSpec? {
    let all = Set(Self.options.values.flatMap(\.self)).sorted()
    guard let group = setting.group(keys: ["type", "duration"] + all, "a group of keys with 'type'"),
      let type = group.required("type", "oncpu, offcpu or network")?.choice(TaskKind.allCases.map(\.rawValue)),
      let kind = TaskKind(rawValue: type)
    else { return nil }
    let allowed = Self.options[kind] ?? []
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
    if let side = group["side"]?.choice(of: TaskSpec.Side.self) { options.side = side }
    if let unwind = group["unwind"]?.choice(of: UnwindChoice.self) { options.unwind = unwind }
    if let includes = group["include_children"]?.flag() { options.includesChildren = includes }
    return options
  }

  private func onCPU(_ group: SettingGroup) -> OnCPUOptions {
    var options = OnCPUOptions()
    if let hertz = group["freq"]?.integer(in: 1...highestFrequency) { options.frequencyHertz = hertz }
    return options
  }

  private func offCPU(_ group: SettingGroup) -> OffCPUParameters {
    var parameters = OffCPUParameters()
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
      parameters.states = states.compactMap { $0.choice(WaitState.allCases.map(\.rawValue)) }
    }
    if let wakers = group["wakers"]?.flag() { parameters.wakers = wakers }
    return parameters
  }

  private func network(_ group: SettingGroup) -> NetworkParameters {
    var parameters = NetworkParameters()
    parameters.uris = (group["uri"]?.list() ?? []).compactMap { entry in
      entry.text("a regular expression").flatMap { entry.pattern($0)?.text }
    }
    if let time = group["slower_than"]?.nanoseconds() { parameters.slowerThanNanoseconds = time }
    if let bytes = group["body_bytes"]?.integer(in: 0...4096) { parameters.bodyBytes = bytes }
    if let count = group["samples"]?.integer(in: 0...1000) { parameters.samplesPerEndpoint = count }
    if let times = group["call_times"]?.flag() { parameters.callTimes = times }
    if let folds = group["fold_ids"]?.flag() { parameters.foldsIdentifiers = folds }
    return parameters
  }
}
