/// How often the commands of a comparison are run.
package enum RunCount: Equatable, Sendable {
  case fixed(Int)
  /// As often as the verdict takes.
  case auto

  package static let range = 1...1000
  /// What `auto` begins with.
  private static let fewest = 5

  /// - Returns: nil where the text is neither `auto` nor a number in the range.
  package init?(reading text: String) {
    if text == "auto" {
      self = .auto
      return
    }
    guard let number = Int(text), Self.range.contains(number) else { return nil }
    self = .fixed(number)
  }

  func first(limit: Int) -> Int {
    switch self {
    case .fixed(let number): number
    case .auto: min(Self.fewest, limit)
    }
  }

  package var description: String {
    switch self {
    case .fixed(let number): "\(number)"
    case .auto: "auto"
    }
  }
}
