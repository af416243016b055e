/// The values of the last seconds, as many as a rule looks back. A second without a value is neither a match nor none.
struct Window {
  /// By slot modulo the period; NaN where there was no value.
  private var values: [Double]
  /// The newest slot; nil before the first one.
  private var newest: Int?
  private(set) var matches = 0
  private let rule: Rule

  init(_ rule: Rule) {
    self.rule = rule
    values = [Double](repeating: .nan, count: rule.periodSeconds)
  }

  /// Moves on to a slot, which is newer than all before, and gives it a value; NaN for no data.
  mutating func record(_ value: Double, slot: Int) {
    if let newest, slot > newest + 1 {
      // Slots in between have no value, and everything is older than a gap of a whole period.
      for passed in max(newest + 1, slot - values.count + 1)..<slot { set(.nan, slot: passed) }
    }
    set(value, slot: slot)
    newest = slot
  }

  private mutating func set(_ value: Double, slot: Int) {
    let place = slot % values.count
    let old = values[place]
    values[place] = value
    let change = (rule.matches(value) ? 1 : 0) - (rule.matches(old) ? 1 : 0)
    if change != 0 { matches += change }
  }

  var holds: Bool { matches >= rule.count }

  /// The values, oldest first; nil where there was none.
  var series: [Double?] {
    guard let newest else { return [] }
    return (newest - values.count + 1...newest).map { slot in
      guard slot >= 0 else { return nil }
      let value = values[slot % values.count]
      return value.isNaN ? nil : value
    }
  }

  /// The newest value; nil where there is none.
  var latest: Double? { newest.flatMap { values[$0 % values.count].isNaN ? nil : values[$0 % values.count] } }

  /// The value that is furthest beyond the threshold; nil where there is none.
  var peak: Double? {
    values.filter { !$0.isNaN }.reduce(nil) { peak, value in
      guard let peak else { return value }
      return rule.isWorse(value, than: peak) ? value : peak
    }
  }
}
