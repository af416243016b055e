import Policies
import ProfileModel
import SeededRandom
import Testing

@Suite struct PolicyEngineTests {
  // MARK: - Windows

  @Test func `a value at the threshold matches, and as many matches as asked for are enough`() {
    var engine = PolicyEngine([Sample.policy()])

    #expect(engine.starts([0, 80, 0, 80, 0]) == [])
    #expect(engine.starts([80], from: 5) == [5])
  }

  @Test func `rules on one process and one metric have windows of their own`() {
    var engine = PolicyEngine([
      Sample.policy("short", rules: [Sample.rule(period: 10, count: 5)]),
      Sample.policy("long", rules: [Sample.rule(period: 60, count: 6)]),
    ])
    // Five matches in 50 s, one each 10 s: neither rule holds. The sixth holds for the long one alone.
    let series = (0..<60).map { $0 % 10 == 0 ? 90.0 : 0 }

    let decisions = series.indices.flatMap { slot in engine.close(slot, series[slot]) }

    #expect(decisions.compactMap(\.start).map(\.policy.name) == ["long"])
    #expect(decisions.compactMap(\.start).map(\.slot) == [50])
  }

  @Test func `a window counts as a plain look at its last seconds does, on any series`() {
    var draw = SplitMix(state: 7)
    for _ in 0..<200 {
      let period = Int.random(in: 1...20, using: &draw)
      var rule = Sample.rule(threshold: 5, period: period, count: Int.random(in: 1...period, using: &draw))
      rule.isBelow = Bool.random(using: &draw)
      var engine = PolicyEngine([Sample.policy(rules: [rule])])
      var seen: [Int: Double] = [:]
      var slot = 0
      for _ in 0..<100 {
        // Most often the next second; at times some are left out, or more than the window holds.
        slot += Int.random(in: 0..<10, using: &draw) == 0 ? Int.random(in: 1...30, using: &draw) : 1
        let value = Int.random(in: 0..<5, using: &draw) == 0 ? .nan : Double(Int.random(in: 0...10, using: &draw))
        seen[slot] = value
        let matches = (slot - period + 1...slot).count { seen[$0].map { rule.isBelow ? $0 <= 5 : $0 >= 5 } ?? false }

        let starts = engine.close(slot, value).compactMap(\.start)
        for start in starts { engine.ended(start) }

        // With a cooldown of one second, nothing mutes the next slot.
        #expect(starts.count == (matches >= rule.count ? 1 : 0))
        if let start = starts.first {
          let expected = (slot - period + 1...slot).map { seen[$0].flatMap { $0.isNaN ? nil : $0 } }
          #expect(start.values == expected)
        }
      }
    }
  }

  @Test func `a second without data is neither a match nor a miss, and old matches age out`() {
    var engine = PolicyEngine([Sample.policy(rules: [Sample.rule(.httpErrorRate, threshold: 10, period: 5, count: 3)])])

    // Three bad seconds, then no traffic.
    #expect(engine.starts([50, 50, 50]) == [2])
    #expect(engine.starts([.nan, .nan, .nan, .nan, .nan, .nan], from: 3) == [3, 4])
  }

  @Test func `traffic that has stopped starts nothing after the cooldown`() {
    var engine = PolicyEngine([
      Sample.policy(cooldown: 10, rules: [Sample.rule(.httpErrorRate, threshold: 10, period: 5, count: 3)])
    ])

    #expect(engine.starts([50, 50, 50] + [Double](repeating: .nan, count: 100)) == [2])
  }

  @Test func `an hour of ticks with jitter fills one slot each`() {
    var draw = SplitMix(state: 3)
    var engine = PolicyEngine([Sample.policy(rules: [Sample.rule(period: 3600, count: 3600)])])
    var last = -1
    var starts = 0
    for tick in 1...3600 {
      // The clock is read up to 20 ms after the end of a second.
      let now = Double(tick) + Double.random(in: 0...0.02, using: &draw)
      let slot = Int(now) - 1
      let decisions = engine.close(slots: last + 1...slot, hostLoad: nil) { _ in [100] }
      starts += decisions.compactMap(\.start).count
      #expect(slot == last + 1)
      last = slot
    }

    #expect(starts == 1)
  }

  @Test func `a late call gives its value to every second that has passed`() {
    var engine = PolicyEngine([Sample.policy()])

    let decisions = engine.close(slots: 10...12, hostLoad: nil) { _ in [90] }

    #expect(decisions.compactMap(\.start).first?.values == [nil, nil, 90, 90, 90])
  }

  @Test func `a lower bound matches values at it and below, and no data matches nothing`() {
    var rule = Sample.rule(threshold: 10, period: 3, count: 2)
    rule.isBelow = true
    var engine = PolicyEngine([Sample.policy(rules: [rule])])

    #expect(engine.starts([.nan, .nan, 10, 50, 50, 0, 9]) == [6])
  }

  @Test func `a rule of the host's capacity divides by its CPUs`() {
    var rule = Sample.rule(threshold: 50, period: 1, count: 1)
    rule.isNormalized = true
    var engine = PolicyEngine([Sample.policy(rules: [rule])], cpuCount: 4)

    #expect(engine.starts([150, 200]) == [1])
  }

  // MARK: - Cooldowns

  @Test func `a process gets no other task of a policy until the cooldown has passed`() {
    var engine = PolicyEngine([Sample.policy(cooldown: 20)])

    #expect(engine.starts([Double](repeating: 100, count: 50)) == [2, 22, 42])
  }

  @Test func `a cooldown is the process's and the policy's own`() {
    var engine = PolicyEngine([Sample.policy("a", cooldown: 100), Sample.policy("b", cooldown: 100)], watching: 2)
    for slot in 0..<2 { _ = engine.close(slot, 100) }

    let starts = engine.close(2, 100).compactMap(\.start)

    #expect(starts.map(\.policy.name) == ["a", "a", "b", "b"])
    #expect(starts.map(\.process.key.process.rawValue) == [1, 2, 1, 2])
  }

  @Test func `a cooldown of an earlier run is honoured`() {
    var engine = PolicyEngine([Sample.policy(cooldown: 20)])
    engine.restoreCooldown(policy: "busy", process: Sample.process(1).key, until: 30)

    #expect(engine.starts([Double](repeating: 100, count: 40)) == [30])
  }

  @Test func `a later process with the same number has no cooldown and no values of the one before`() {
    var engine = PolicyEngine([Sample.policy(cooldown: 100)])
    #expect(engine.starts([100, 100, 100]) == [2])
    engine.forget(Sample.process(1).key)
    engine.observe(Sample.process(1, startTicks: 2))

    #expect(engine.starts([100, 100, 100], from: 3) == [5])
  }

  @Test func `a task that goes on is the only one of its policy and process`() throws {
    var engine = PolicyEngine([Sample.policy(cooldown: 1)])
    for slot in 0..<2 { _ = engine.close(slot, 100) }
    let start = try #require(engine.close(2, 100).first?.start)

    for slot in 3..<60 { #expect(engine.close(slot, 100) == []) }
    engine.ended(start)
    #expect(engine.close(60, 100).compactMap(\.start).count == 1)
  }

  @Test func `something worse fires within the cooldown, the same again does not`() {
    var rule = Sample.rule(threshold: 80, period: 2, count: 1)
    rule.refiresWhenWorse = true
    var engine = PolicyEngine([Sample.policy(cooldown: 100, rules: [rule])])

    #expect(engine.starts([90, 90, 85, 120, 120, 119, 121]) == [0, 3, 6])
  }

  // MARK: - Starts that fail

  @Test func `a start that failed is tried again, later each time, and mutes nothing`() {
    var engine = PolicyEngine([Sample.policy(cooldown: 1000)])
    var attempts: [Int] = []
    for slot in 0..<1300 {
      for start in engine.close(slot, 100).compactMap(\.start) {
        attempts.append(slot)
        engine.failed(start, slot: slot)
      }
    }

    #expect(attempts == [2, 4, 8, 16, 32, 64, 128, 256, 512, 812, 1112])
  }

  @Test func `a start that succeeds after failures has its cooldown`() throws {
    var engine = PolicyEngine([Sample.policy(cooldown: 10)])
    for slot in 0..<2 { _ = engine.close(slot, 100) }
    engine.failed(try #require(engine.close(2, 100).first?.start), slot: 2)
    let early = engine.close(3, 100)
    #expect(early == [])
    engine.ended(try #require(engine.close(4, 100).first?.start))

    #expect(engine.starts([Double](repeating: 100, count: 12), from: 5) == [14])
  }

  // MARK: - Limits

  @Test func `no more tasks an hour than allowed, and it is said once`() {
    var limits = WatchLimits()
    limits.maximumTasksPerHour = 2
    var engine = PolicyEngine([Sample.policy(cooldown: 10)], limits: limits)
    var starts: [Int] = []
    var heldBack = 0
    for slot in 0..<4000 {
      for decision in engine.close(slot, 100) {
        switch decision {
        case .start(let start):
          starts.append(slot)
          engine.ended(start)
        case .heldBack(_, _, let reason):
          #expect(reason == .tasksPerHour)
          heldBack += 1
        }
      }
    }

    #expect(starts == [2, 12, 3602, 3612])
    #expect(heldBack == 2)
  }

  @Test func `a host that is drowning gets no task`() {
    var limits = WatchLimits()
    limits.hostLoadLimit = 8
    var engine = PolicyEngine([Sample.policy()], limits: limits)
    for slot in 0..<2 { _ = engine.close(slot, 100, load: 8) }

    #expect(
      engine.close(2, 100, load: 8)
        == [.heldBack(policy: "busy", process: Sample.process(1), .hostLoad)])
    #expect(engine.close(3, 100, load: 9) == [])
    #expect(engine.close(4, 100, load: 7.9).compactMap(\.start).count == 1)
  }

  @Test func `no more tasks at a time than allowed`() {
    var engine = PolicyEngine([Sample.policy()], watching: 6)
    for slot in 0..<2 { _ = engine.close(slot, 100) }
    let starts = engine.close(2, 100).compactMap(\.start)

    #expect(starts.map(\.process.key.process.rawValue) == [1, 2, 3, 4])
    engine.ended(starts[1])
    #expect(engine.close(3, 100).compactMap(\.start).map(\.process.key.process.rawValue) == [2])
  }

  // MARK: - Policies

  @Test func `rules that stay as they are keep their values when policies change`() {
    let kept = Sample.rule(period: 5, count: 3)
    var engine = PolicyEngine([
      Sample.policy("a", rules: [kept]), Sample.policy("b", rules: [Sample.rule(threshold: 70)]),
    ])
    for slot in 0..<2 { _ = engine.close(slot, 100) }

    engine.reload(
      PolicySet(policies: [Sample.policy("b", rules: [Sample.rule(threshold: 71)]), Sample.policy("a", rules: [kept])]),
      processes: [Sample.process(1)])

    #expect(engine.close(2, 100).compactMap(\.start).map(\.policy.name) == ["a"])
  }

  @Test func `tasks and cooldowns outlive a change of policies`() throws {
    var engine = PolicyEngine([Sample.policy(cooldown: 50)])
    for slot in 0..<2 { _ = engine.close(slot, 100) }
    let start = try #require(engine.close(2, 100).first?.start)

    engine.reload(
      PolicySet(policies: [Sample.policy(cooldown: 50, rules: [Sample.rule(threshold: 60)])]),
      processes: [Sample.process(1)])
    engine.ended(start)

    #expect(engine.starts([Double](repeating: 100, count: 60), from: 3) == [52])
  }

  @Test func `filters of requests outlive a change of policies`() throws {
    let policies = try Sample.parse(Sample.file)
    var engine = PolicyEngine(policies, cpuCount: 2)
    let measures = engine.measures

    engine.reload(try Sample.parse(Sample.file + "\n# changed"), processes: [])

    #expect(engine.measures == measures)
    let filters = engine.measures.compactMap(\.uri)
    #expect(filters.map { $0.includes("/api/x") } == [true, false])
    #expect(filters.map { $0.includes("/cart") } == [false, true])
  }

  @Test func `a process that changes its name is matched anew`() {
    var policy = Sample.policy()
    policy.match.names = [Glob("wanted")].compactMap(\.self)
    var engine = PolicyEngine(PolicySet(policies: [policy]), cpuCount: 1)

    let isWatched = ["other", "wanted", "other"].map { engine.observe(Sample.process(1, name: $0)) }

    #expect(isWatched == [false, true, false])
    #expect(engine.processes.isEmpty)
  }

  @Test func `a network task takes all processes of the control group`() {
    var engine = PolicyEngine(
      PolicySet(policies: [Sample.policy(kind: .network(NetworkOptions()), cooldown: 100)]), cpuCount: 1)
    for number in Int32(1)...2 { engine.observe(Sample.process(number, cgroup: "/a")) }
    engine.observe(Sample.process(3, cgroup: "/b"))
    for slot in 0..<2 { _ = engine.close(slot, 100) }

    let starts = engine.close(2, 100).compactMap(\.start)

    #expect(starts.map { $0.processes.map(\.key.process.rawValue) } == [[1, 2], [3]])
  }
}
