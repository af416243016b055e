import FoundationEssentials
import ProfileModel

/// Why a task ran, for a page: the rule in words, and its values as a drawing that needs no script.
enum TriggerReport {
  /// - Parameter json: what the task has on record; nil where a person started it.
  static func render(_ json: String?) -> String {
    guard let json else { return "<p>Started by hand.</p>" }
    guard let trigger = trigger(json) else { return "<p>Started by: \(HTML.text(json))</p>" }
    return "<p>\(HTML.text(sentence(trigger)))</p>\n" + chart(trigger)
  }

  static func trigger(_ json: String?) -> Trigger? {
    json.flatMap { try? JSONDecoder().decode(Trigger.self, from: Data($0.utf8)) }
  }

  static func sentence(_ trigger: Trigger) -> String {
    let fired = trigger.fired.count { $0 }
    let requests = trigger.uri.map { " (\($0))" } ?? ""
    let side = trigger.isBelow == true ? "below" : "above"
    return
      "Policy \(trigger.policy): \(trigger.metric)\(requests) of \(trigger.processName) (\(trigger.process)) was at"
      + " \(amount(trigger.threshold, trigger.unit)) or \(side) in \(fired) of the last \(trigger.values.count) seconds"
      + " (the rule: \(trigger.count) of \(trigger.periodSeconds)), at \(TimeText.utc(trigger.firedAt));"
      + " left alone for \(TimeText.duration(nanoseconds: UInt64(max(0, trigger.cooldownSeconds)) * 1_000_000_000)) then"
      + (trigger.lookbackNanoseconds.map { "; the first \(TimeText.duration(nanoseconds: $0)) lie before it" } ?? "")
  }

  private static func amount(_ value: Double, _ unit: String) -> String {
    (NumberText.decimal(value, digits: 1) ?? "an unknown value") + (unit.isEmpty ? "" : " \(unit)")
  }

  /// A bar for each second, those at the threshold or above in another color, and a line at the threshold.
  static func chart(_ trigger: Trigger) -> String {
    let values = trigger.values.suffix(600)
    let (width, height) = (720.0, 120.0)
    let highest = max(trigger.threshold, values.compactMap { $0 }.filter(\.isFinite).max() ?? 0, 1e-9) * 1.1
    func y(_ value: Double) -> Double { height - height * min(1, max(0, value / highest)) }
    let step = width / Double(max(1, values.count))
    var marks: [String] = []
    for (index, value) in values.enumerated() {
      guard let value, value.isFinite else { continue }
      let isFired = trigger.matches(value)
      marks.append(
        "<rect class=\"\(isFired ? "fired" : "slot")\" x=\"\(number(Double(index) * step))\" y=\"\(number(y(value)))\""
          + " width=\"\(number(max(1, step - 1)))\" height=\"\(number(height - y(value)))\">"
          + "<title>\(HTML.text(amount(value, trigger.unit)))</title></rect>")
    }
    let line = number(y(trigger.threshold))
    let label = HTML.text("\(trigger.metric), threshold \(amount(trigger.threshold, trigger.unit))")
    return """
      <svg class="chart" viewBox="0 0 \(Int(width)) \(Int(height) + 18)" role="img" aria-label="\(label)">
      \(marks.joined(separator: "\n"))
      <line class="threshold" x1="0" x2="\(Int(width))" y1="\(line)" y2="\(line)"/>
      <text x="0" y="\(Int(height) + 14)">\(label)</text>
      </svg>
      """
  }

  private static func number(_ value: Double) -> String { NumberText.decimal(value, digits: 1) ?? "0.0" }
}
