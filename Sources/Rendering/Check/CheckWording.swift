import Comparison
import ProfileModel

/// The sentences of a check, which its outputs share.
struct CheckWording {
  let check: Check

  /// How many functions an output names of what did not fail.
  static let rowLimit = 20

  /// One sentence: what came out.
  var verdict: String {
    switch check.verdict {
    case .pass: "pass: nothing has become slower beyond the limits"
    case .regression:
      if check.findings.contains(where: \.isFailure) {
        "regression: \(functions(check.findings.count(where: \.isFailure))) slower than before"
      } else {
        "regression: a run as a whole takes more than before"
      }
    case .inconclusive: "inconclusive: nothing was found, but not enough could have been"
    case .notComparable: "not comparable: no verdict"
    }
  }

  private func functions(_ count: Int) -> String { count == 1 ? "1 function is" : "\(count) functions are" }

  /// What was compared: `8 runs (24,010 samples) with 8 runs (24,188 samples)`.
  var sides: String {
    func side(_ runs: Int, _ samples: UInt64) -> String {
      "\(runs) run\(runs == 1 ? "" : "s") (\(NumberText.grouped(samples)) \(check.unit))"
    }
    return "\(side(check.runs.base, check.samples.base)) with \(side(check.runs.new, check.samples.new))"
  }

  /// The limits that were applied.
  var limits: String {
    let limits = check.options.limits
    return "growth of \(Self.plain(limits.growth)) and \(Self.plain(limits.impact)) of the whole at least, "
      + "alpha \(NumberText.decimal(limits.alpha, digits: 3) ?? "")"
  }

  /// A finding's kind: what stands before its sentence.
  func label(_ finding: Check.Finding) -> String {
    if finding.acceptance != nil { return "accepted" }
    return finding.movement == nil ? "regression" : "moved, not slower"
  }

  /// `parse_header (libhttp.so, http.c:214): own weight 4.9 % -> 5.9 % of the total, +20.4 % (99 % CI ...)`.
  func sentence(_ finding: Check.Finding) -> String {
    let result = finding.result
    var place = [result.key.module, finding.source.map { "\(Self.fileName($0.file)):\($0.line)" }].compactMap { $0 }
    if result.key.kind == .module { place = ["module"] }
    if result.key.kind == .subtree { place = ["with what it calls"] }
    var text = Self.visible(result.key.name)
    if !place.isEmpty { text += " (\(place.map(Self.visible).joined(separator: ", ")))" }
    text += " \(Self.plain(result.base.share)) -> \(Self.plain(result.new.share)) of the total, \(growth(result))"
    text +=
      " (\(confidence) CI \(interval(result)), \(Self.probability(result.p)) of \(check.test.results.count) tested"
    text += ", \(NumberText.grouped(result.base.samples)) -> \(NumberText.grouped(result.new.samples)) \(check.unit))"
    if let movement = finding.movement {
      return text + "; \(Self.visible(movement.from.name)) has lost as much (inlining, a new name?)"
    }
    if let acceptance = finding.acceptance {
      return text + "; accepted up to \(acceptance.lastDay): \(Self.visible(acceptance.reason))"
    }
    if let caller = finding.caller, let growth = finding.callerGrowth {
      text += "; caller: \(Self.visible(caller.name)) \(Self.signed(growth))"
    }
    return text
  }

  private static func fileName(_ path: String) -> Substring {
    path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
  }

  var confidence: String {
    "\(NumberText.decimal(100 * (1 - check.options.limits.alpha), digits: 1) ?? "")".trimmed + " %"
  }

  func growth(_ result: RegressionTest.Result) -> String {
    result.base.samples == 0 ? "new" : Self.signed(result.growth)
  }

  /// `+11 %..+31 %`.
  func interval(_ result: RegressionTest.Result) -> String {
    result.base.samples == 0
      ? "from \(Self.signed(result.lowestGrowth)) up"
      : "\(Self.signed(result.lowestGrowth))..\(Self.signed(result.highestGrowth))"
  }

  /// The smallest growth that could have been seen; none is known of what was not there before.
  func detectable(_ result: RegressionTest.Result) -> String {
    result.base.samples == 0 ? "-" : Self.signed(result.detectable)
  }

  /// What the test of whole runs found, or why there was none.
  var total: String {
    guard let total = check.total else { return "whole runs: not tested, \(check.totalObstacle ?? "no verdict")" }
    let unit = check.options.work.base == 1 && check.options.work.new == 1 ? "a run" : "a unit of work"
    return "whole runs: \(Self.amount(total.base)) -> \(Self.amount(total.new)) \(check.unit) \(unit),"
      + " \(Self.signed(total.growth)) (\(Self.probability(total.p)); +\(Self.plain(total.detectable)) would have been seen,"
      + " the limit is \(Self.plain(check.options.totalGrowth)))"
  }

  /// The smallest change that could have been seen: of the largest function, and over all that were tested.
  var power: String {
    let results = check.test.results.filter { $0.base.share >= check.options.limits.minimumShare }
    guard let largest = results.max(by: { ($0.base.share, $1.key) < ($1.base.share, $0.key) }),
      let worst = results.max(by: { ($0.detectable, $1.key) < ($1.detectable, $0.key) })
    else { return "smallest change that could have been seen: none, nothing has enough weight to be tested" }
    func of(_ result: RegressionTest.Result) -> String {
      "\(Self.signed(result.detectable)) of \(Self.visible(result.key.name)) (\(Self.plain(result.base.share)))"
    }
    return "smallest change that could have been seen: \(of(largest))"
      + (largest.key == worst.key ? "" : ", \(of(worst))")
  }

  /// The middle and the largest of the dispersions: 1 is what chance alone makes.
  var noise: String {
    let sorted = check.test.results.map(\.dispersion).sorted()
    guard let highest = sorted.last else { return "noise: unknown" }
    let middle = sorted[sorted.count / 2]
    return "noise: \(Self.amount(middle)) times that of chance, at most \(Self.amount(highest))"
  }

  /// What else the reader should know, a sentence each.
  var notes: [String] {
    var notes = check.warnings
    if check.joinedNames > 0 { notes.append("\(check.joinedNames) names that differ by build only were joined") }
    return notes
  }

  /// The findings that fail, then the others, as far as there is room.
  var failures: [Check.Finding] { check.findings.filter(\.isFailure) }

  // MARK: - Numbers

  /// `+20.4 %`; what is too large to be a percentage is `over +1000 %`.
  static func signed(_ growth: Double) -> String {
    guard growth < 10, let text = NumberText.decimal(100 * growth, digits: 1) else { return "over +1000 %" }
    return (text.hasPrefix("-") ? "" : "+") + text + " %"
  }

  static func plain(_ share: Double) -> String { (NumberText.decimal(100 * share, digits: 1) ?? "many") + " %" }

  static func amount(_ number: Double) -> String { NumberText.decimal(number, digits: 2)?.trimmed ?? "many" }

  static func probability(_ p: Double) -> String {
    p < 0.0001 ? "p < 0.0001" : "p = \(NumberText.decimal(p, digits: 4) ?? "")"
  }

  static func visible(_ text: some StringProtocol) -> String {
    DisplayText.truncatedInMiddle(DisplayText.visible(text), to: 200)
  }
}

extension String {
  /// A decimal number without needless zeros.
  fileprivate var trimmed: String {
    guard contains(".") else { return self }
    var text = self
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }
}
