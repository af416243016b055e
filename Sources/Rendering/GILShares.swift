package import ProfileModel

/// How threads of Python stood to the global interpreter lock, by the label `gil` of what was measured.
package struct GILShares: Equatable, Sendable {
  /// The key of the label; its values are `held`, `waiting` and `none`.
  package static let key = "gil"

  package private(set) var held: UInt64 = 0
  package private(set) var waiting: UInt64 = 0
  package private(set) var without: UInt64 = 0

  /// - Returns: nil where no value has the label.
  package init?(_ profile: Profile, measure: WeightMeasure) {
    guard !profile.labels.isEmpty else { return nil }
    let states = ([.empty] + profile.labels.sets).map { set in set.labels.first { $0.key == Self.key }?.value }
    for value in profile.values {
      let weight = measure.value(of: value.weight)
      switch states[Int(value.labels)] {
      case "held": held += weight
      case "waiting": waiting += weight
      case "none": without += weight
      default: break
      }
    }
    guard total > 0 else { return nil }
  }

  package var total: UInt64 { held + waiting + without }

  /// `held 82.0 %, waited for 11.0 %, without it 7.0 %`.
  package var sentence: String {
    func share(_ part: UInt64) -> String { NumberText.percent(part, of: total, decimals: 1) + " %" }
    return "held \(share(held)), waited for \(share(waiting)), without it \(share(without))"
  }
}
