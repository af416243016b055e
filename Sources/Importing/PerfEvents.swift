import ProfileModel

/// The samples of one event of a file, and what their periods come to.
struct PerfEventTotal {
  /// As perf prints it: `cpu_core/cycles/P`, `cycles:u`, `sched:sched_switch`.
  let name: String
  /// Without the unit that counts it and without modifiers: `cycles`.
  let base: String
  private(set) var count: UInt64 = 0
  private var periods: UInt64 = 0
  private var firstPeriod: UInt64?
  private(set) var hasAllPeriods = true
  /// Whether samples stand for different numbers of events.
  private(set) var hasUnequalPeriods = false

  init(_ name: String) {
    self.name = name
    var base = name[...]
    if let colon = base.lastIndex(of: ":"), colon > base.startIndex,
      base[base.index(after: colon)...].allSatisfy({ "ukhpPGHSDIWeb".contains($0) })
    {
      base = base[..<colon]
    }
    // `cpu_core/cycles/P`; an event by its number keeps its name: `cpu/event=0x3c/`.
    let parts = base.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count == 3, !parts[1].isEmpty, !parts[1].contains("=") { base = parts[1] }
    self.base = String(base)
  }

  func isCalled(_ event: String) -> Bool { name == event || base == event }

  /// What perf's periods of it are in ns; nil for other units.
  var isTime: Bool { ["cpu-clock", "task-clock", "offcpu-time"].contains(base) }

  /// Adds a sample, and returns what it weighs.
  ///
  /// - Parameter isCount: whether the period is a number of samples.
  mutating func add(_ period: UInt64?, isCount: Bool) -> Weight {
    if isCount, let period, period <= ImportedProfile.weightLimit - count {
      count += period
      return Weight(count: period, nanoseconds: 0)
    }
    count += 1
    guard let period else {
      hasAllPeriods = false
      return Weight(count: 1, nanoseconds: 0)
    }
    // No clock ticks for nine years between two samples: such a period is nonsense, and the sample counts all the same.
    guard period <= ImportedProfile.weightLimit - periods else { return Weight(count: 1, nanoseconds: 0) }
    periods += period
    if let firstPeriod, firstPeriod != period { hasUnequalPeriods = true }
    firstPeriod = firstPeriod ?? period
    return Weight(count: 1, nanoseconds: period)
  }
}

/// Which event of a file is reported, and what its samples weigh.
struct PerfEventChoice {
  private static let ticking = ["cycles", "cpu-cycles", "cpu-clock", "task-clock"]

  let name: String
  /// By what samples weigh; nil where each counts as one.
  let amount: ImportedAmount?
  let kind: TaskKind?
  let warnings: [String]
  /// Whether other events have samples.
  let leavesOut: Bool
  private let chosen: Set<Int>
  private let isTime: Bool

  /// Of several events, what ticks while code runs, else what has the most samples.
  init(_ events: [PerfEventTotal], wanted: String?) {
    let counted = events.indices.filter { events[$0].count > 0 }
    func total(_ base: String) -> UInt64 { counted.reduce(0) { events[$1].base == base ? $0 + events[$1].count : $0 } }
    let bases = Set(counted.map { events[$0].base })
    let best =
      Self.ticking.first(where: bases.contains)
      ?? bases.max { total($0) != total($1) ? total($0) < total($1) : $0 > $1 } ?? ""
    // Of one name, only one may be meant: `cycles:u` beside `cycles:k`.
    let exact = counted.filter { events[$0].name == wanted }
    let chosen = Set(!exact.isEmpty ? exact : counted.filter { events[$0].base == best })
    let members = chosen.sorted().map { events[$0] }
    let isTime = !members.isEmpty && members.allSatisfy(\.isTime)
    let name = members.count == 1 ? members[0].name : best
    let isTicking = members.allSatisfy { Self.ticking.contains($0.base) || $0.name.isEmpty }
    kind = members.allSatisfy { $0.base == "offcpu-time" } ? .offCPU : isTicking ? .onCPU : nil
    let isWeighed = members.allSatisfy(\.hasAllPeriods) && members.contains(where: \.hasUnequalPeriods)
    amount = isWeighed && kind != .offCPU ? ImportedAmount(name: best, unit: isTime ? "nanoseconds" : "count") : nil
    let others = counted.filter { !chosen.contains($0) }.map { "\(events[$0].name) (\(events[$0].count))" }
    warnings =
      others.isEmpty
      ? [] : ["samples of '\(name)' are reported; --event chooses another one: \(others.joined(separator: ", "))"]
    leavesOut = !others.isEmpty
    (self.chosen, self.isTime, self.name) = (chosen, isTime, name)
  }

  func contains(_ event: Int) -> Bool { chosen.contains(event) }

  /// Periods are kept where shares go by them, and where they are times.
  func weight(_ weight: Weight) -> Weight {
    amount != nil || isTime ? weight : Weight(count: weight.count, nanoseconds: 0)
  }
}
