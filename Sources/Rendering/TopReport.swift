package import ProfileModel

/// What a person reads of a profile on a terminal: a verdict, the hottest functions with bars, the hottest path, what
/// was lost, and what to type next.
package enum TopReport {
  private static let rowCount = 10
  private static let barWidth = 20
  private static let nameWidth = 60
  /// A path ends where less than this part of a frame's weight goes on in one callee, in percent of the frame.
  private static let forkPercent: UInt64 = 40

  /// - Parameters:
  ///   - measure: what functions are ranked by.
  ///   - unit: what the measure counts, in the plural.
  ///   - root: what the hottest path begins with.
  package static func render(
    task: ProfilingTask?, profile: Profile, measure: WeightMeasure, unit: String = "samples",
    root: CallTree.Root = .process, nextCommands: [String], isColored: Bool
  ) -> String {
    var lines: [String]
    if task?.kind == .offCPU {
      lines = waits(task, profile, measure)
    } else {
      lines = functions(task, profile, measure, unit)
    }
    if !profile.values.isEmpty { lines += ["", "hottest path"] + path(profile, measure, root) }
    if let task {
      let description = TaskDescription(task: task)
      let notes =
        description.losses.map { "lost: \($0)" } + description.defects.map { "defect: \($0)" }
        + description.leftOut.map { "left out: \($0)" } + task.warnings.map { "warning: \($0)" }
      if !notes.isEmpty { lines.append("") }
      lines += notes.map(DisplayText.visible)
    }
    if !nextCommands.isEmpty { lines += [""] + nextCommands.map(DisplayText.visible) }
    if isColored { lines[0] = "\u{1B}[1m\(lines[0])\u{1B}[0m" }
    return lines.map { $0.trimmingTrailingSpaces + "\n" }.joined()
  }

  /// One sentence: where most of a profile went, and how much is missing.
  static func verdictSentence(
    _ task: ProfilingTask?, _ profile: Profile, measure: WeightMeasure, unit: String
  ) -> String {
    let lines = task?.kind == .offCPU ? waits(task, profile, measure) : functions(task, profile, measure, unit)
    return lines.first ?? ""
  }

  /// One sentence: where most of it went, and how much is missing.
  private static func verdict(_ task: ProfilingTask?, _ what: String?) -> String {
    let who = task.map { DisplayText.visible($0.target) } ?? "the profile"
    guard let what else { return "\(who): nothing was recorded" }
    let account = task.map {
      "; \(NumberText.grouped($0.account.lost)) of \(NumberText.grouped($0.account.ticks)) lost"
    }
    return "\(who) \(what)\(account ?? "")"
  }

  /// The verdict and the places where threads waited.
  private static func waits(_ task: ProfilingTask?, _ profile: Profile, _ measure: WeightMeasure) -> [String] {
    let sites = WaitSites(profile, elapsedNanoseconds: nil)
    let total = measure.value(of: profile.total)
    let ranked = sites.busy(by: measure == .count ? \.count : \.nanoseconds, limit: rowCount)
    guard let first = ranked.first, total > 0 else { return [verdict(task, nil)] }
    func share(_ site: WaitSites.Site, decimals: Int) -> String {
      NumberText.percent(measure.value(of: site.weight), of: total, decimals: decimals)
    }
    let whole =
      measure == .count
      ? "\(NumberText.grouped(total)) waits" : TimeText.duration(nanoseconds: profile.total.nanoseconds)
    let name = DisplayText.truncatedInMiddle(DisplayText.visible(first.function), to: nameWidth)
    let place = DisplayText.visible(first.waitsIn)
    let rows = ranked.map { site in
      let name = DisplayText.truncatedInMiddle(DisplayText.visible("\(site.function), \(site.waitsIn)"), to: nameWidth)
      let time = TimeText.duration(nanoseconds: site.weight.nanoseconds)
      let columns = [(share(site, decimals: 1) + "%", 7), (time, 8), (NumberText.grouped(site.weight.count), 11)]
      let numbers = columns.map { DisplayText.padded($0.0, to: $0.1, isRightAligned: true) }.joined()
      return "\(numbers)  \(DisplayText.padded(name, to: nameWidth)) \(bar(measure.value(of: site.weight), of: total))"
    }
    return [
      verdict(task, "waited, of \(whole), \(share(first, decimals: 0)) % in \(name), \(place)"), "",
      "  share    time      waits  function, in",
    ] + rows
  }

  /// The verdict and the functions that ran.
  private static func functions(
    _ task: ProfilingTask?, _ profile: Profile, _ measure: WeightMeasure, _ unit: String
  ) -> [String] {
    let totals = FunctionTotals(profile, measure: measure)
    guard let hottest = totals.hottestByOwn(limit: 1).first else { return [verdict(task, nil)] }
    let share = NumberText.percent(hottest.own, of: totals.total, decimals: 0)
    let name = DisplayText.truncatedInMiddle(DisplayText.visible(hottest.name), to: nameWidth)
    // CPUs spend samples and time; a heap has bytes.
    let verb = unit == "samples" || unit.hasSuffix("seconds") ? "spent" : "has"
    let sentence = "\(verb) \(share) % of its \(amount(totals.total, unit)) in \(name)"
    let place = place(of: hottest, in: profile, measure)
    return [verdict(task, sentence + place), "", "   self  total  function"] + rows(totals)
  }

  /// ` (app.py:12)` of an interpreted function; of a native one, the interpreted function that most of its own weight was
  /// called from, with its line.
  private static func place(
    of hottest: FunctionTotals.Function, in profile: Profile, _ measure: WeightMeasure
  ) -> String {
    if let line = hottest.hottestLine { return " (\(DisplayText.visible(line.shortName)))" }
    guard profile.frames.contains(where: \.origin.isInterpreted) else { return "" }
    let nodes = profile.stacks.nodes
    var callers: [String: UInt64] = [:]
    for value in profile.values {
      let leaf = profile.frames[Int(nodes[Int(value.stack)].frame)]
      guard leaf.function == hottest.name, leaf.origin == hottest.origin,
        profile.moduleName(of: leaf).map(String.init) == hottest.module
      else { continue }
      var node = nodes[Int(value.stack)].parent
      while node >= 0, !profile.frames[Int(nodes[Int(node)].frame)].origin.isInterpreted {
        node = nodes[Int(node)].parent
      }
      guard node >= 0 else { continue }
      let caller = profile.frames[Int(nodes[Int(node)].frame)].name(withLine: true)
      callers[caller, default: 0] += measure.value(of: value.weight)
    }
    guard let caller = callers.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }), caller.value > 0 else { return "" }
    return ", called by \(DisplayText.truncatedInMiddle(DisplayText.visible(caller.key), to: nameWidth))"
  }

  /// A number with its unit; times as people read them.
  private static func amount(_ number: UInt64, _ unit: String) -> String {
    let scale: UInt64? = unit == "nanoseconds" ? 1 : unit == "microseconds" ? 1000 : nil
    if let scale, number <= .max / scale { return TimeText.duration(nanoseconds: number * scale) }
    return "\(NumberText.grouped(number)) \(unit)"
  }

  private static func rows(_ totals: FunctionTotals) -> [String] {
    totals.hottestByOwn(limit: rowCount).map { function in
      let own = NumberText.percent(function.own, of: totals.total, decimals: 1)
      let all = NumberText.percent(function.total, of: totals.total, decimals: 1)
      let bar = bar(function.own, of: totals.total)
      let mark = Frame(function: function.name, origin: function.origin).annotation
      let name = DisplayText.truncatedInMiddle(DisplayText.visible(function.name), to: nameWidth - mark.count) + mark
      let module = function.place.map { "  \(DisplayText.visible($0))" } ?? ""
      return
        "\(DisplayText.padded(own, to: 6, isRightAligned: true))%\(DisplayText.padded(all, to: 6, isRightAligned: true))%"
        + "  \(DisplayText.padded(name, to: nameWidth)) \(bar)\(module)"
    }
  }

  /// Eighths of a block, so that small shares can be told apart.
  private static func bar(_ part: UInt64, of whole: UInt64) -> String {
    let eighths = Int(NumberText.scaled(part, of: whole, to: UInt64(barWidth * 8)))
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    return DisplayText.padded(String(repeating: "█", count: eighths / 8) + rest, to: barWidth)
  }

  /// From the root to where it forks, a line for each frame; runs of one and the same share are one step in.
  private static func path(_ profile: Profile, _ measure: WeightMeasure, _ root: CallTree.Root) -> [String] {
    let tree = CallTree(profile, root: root, measure: measure)
    let children = tree.children()
    let total = tree.total
    var lines: [String] = []
    var node = 0
    while let heaviest = children[node].lazy.map(Int.init).max(by: { tree.total(of: $0) <= tree.total(of: $1) }) {
      let weight = tree.total(of: heaviest)
      let whole = tree.total(of: node)
      if NumberText.scaled(weight, of: whole, to: 100) < forkPercent, node != 0 { break }
      node = heaviest
      let label = tree.label(of: node)
      let indent = String(repeating: " ", count: min(lines.count, 30))
      let share = DisplayText.padded(NumberText.percent(weight, of: total, decimals: 1), to: 6, isRightAligned: true)
      lines.append(
        "\(share)%  \(indent)\(DisplayText.truncatedInMiddle(DisplayText.visible(label.name), to: nameWidth))")
    }
    return lines
  }
}
