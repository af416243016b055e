import Policies
import ProfileModel

enum Sample {
  /// A file with everything in it, a key a line.
  static let file = """
    defaults: { duration: 10m, cooldown: 20m }
    max_tasks_per_hour: 12
    host_load_limit: 16.5
    max_concurrent_tasks: 3
    max_db_size: 512M
    retention: 24h
    lookback: 30s
    policies:
      - name: checkout-cpu
        match:
          comm: [gunicorn, 'python3*']
          exe: /usr/bin/python3*
          cmdline: 'gunicorn .*checkout'
          cgroup: /system.slice/checkout.service
          user: www-data
        task:
          type: oncpu
          duration: 5m
          freq: 199
        cooldown: 15m
        rules:
          - { metric: process_cpu, threshold: 80, period: 10s, count: 5, normalize: host, refire: worse }
          - { metric: process_thread_count, threshold: 500, period: 30s, count: 10 }
          - { metric: system_load, threshold: 8.5, period: 60s, count: 30 }
      - name: checkout-requests
        match: { user: 33 }
        task: { type: network }
        rules:
          - { metric: http_error_rate, threshold: 5, period: 1m, count: 10, uri: { regex: '^/api/' }, errors: 4xx+5xx }
          - { metric: http_avg_response_time, threshold: 250, period: 60s, count: 10, uri: { list: [/cart, /pay] } }
      - name: stalled
        match: { comm: worker }
        task: { type: offcpu, min_block: 10ms, phase: [blocked, runqueue], state: [D], wakers: true }
        rules: [{ metric: process_cpu, threshold: 1, period: 30s, count: 30, below: true }]
    """

  static func parse(_ text: String) throws(PolicyFileError) -> PolicySet {
    try PolicyFile.parse(Array(text.utf8), name: "p.yaml")
  }

  /// The problems of a file that must have some.
  static func problems(_ bytes: [UInt8]) -> [String] {
    do {
      _ = try PolicyFile.parse(bytes, name: "p.yaml")
      return []
    } catch {
      return error.lines
    }
  }

  static func problems(_ text: String) -> [String] { problems(Array(text.utf8)) }

  static func process(_ number: Int32, name: String = "worker", cgroup: String = "", startTicks: UInt64 = 1)
    -> WatchedProcess
  {
    WatchedProcess(
      key: ProcessKey(process: ProcessID(rawValue: number), startTicks: startTicks), name: name, cgroup: cgroup)
  }

  static func rule(
    _ metric: Metric = .processCPU, threshold: Double = 80, period: Int = 5, count: Int = 3
  ) -> Rule {
    Rule(Measure(metric), threshold: threshold, periodSeconds: period, count: count)
  }

  static func policy(
    _ name: String = "busy", kind: TaskSpec.Kind = .onCPU(OnCPUOptions()), cooldown: Int = 1, rules: [Rule] = [rule()]
  ) -> Policy {
    var match = ProcessMatch()
    match.names = [Glob("*")].compactMap(\.self)
    return Policy(
      name: name, match: match, task: TaskSpec(kind: kind, durationNanoseconds: 10_000_000_000),
      cooldownSeconds: cooldown,
      rules: rules)
  }
}

extension PolicyEngine {
  /// An engine that watches one process.
  init(_ policies: [Policy], limits: WatchLimits = WatchLimits(), cpuCount: Int = 4, watching count: Int32 = 1) {
    self.init(PolicySet(policies: policies, limits: limits), cpuCount: cpuCount)
    for number in 1...count { observe(Sample.process(number)) }
  }

  /// Closes a slot in which all processes have the same values.
  mutating func close(_ slot: Int, _ values: Double..., load: Double? = nil) -> [Decision] {
    close(slots: slot...slot, hostLoad: load) { _ in values }
  }

  /// The slots that start something, of a series of values of the only measure; a task ends as soon as it has begun.
  mutating func starts(_ series: [Double], from first: Int = 0) -> [Int] {
    series.indices.compactMap { index in
      let starts = close(first + index, series[index]).compactMap(\.start)
      for start in starts { ended(start) }
      return starts.isEmpty ? nil : first + index
    }
  }
}

extension PolicyEngine.Decision {
  var start: PolicyEngine.Start? {
    if case .start(let start) = self { start } else { nil }
  }
}
