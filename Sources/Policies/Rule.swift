package import ProfileModel

/// A value that is taken each second, as exactly as a rule asks for it.
package struct Measure: Hashable, Sendable {
  package var metric: Metric
  /// The requests that count; nil for all.
  package var uri: URIFilter?
  /// Whether statuses from 400 on are errors, and not only those from 500 on.
  package var countsClientErrors = false

  package init(_ metric: Metric, uri: URIFilter? = nil, countsClientErrors: Bool = false) {
    self.metric = metric
    self.uri = uri
    self.countsClientErrors = countsClientErrors
  }
}

/// Which requests count, by their path.
package enum URIFilter: Hashable, Sendable {
  case pattern(TextPattern)
  case list([String])

  package func includes(_ path: String) -> Bool {
    switch self {
    case .pattern(let pattern): pattern.finds(path)
    case .list(let paths): paths.contains(path)
    }
  }

  package var description: String {
    switch self {
    case .pattern(let pattern): "/\(pattern.text)/"
    case .list(let paths): paths.joined(separator: ", ")
    }
  }
}

/// When a task is started: enough of the last seconds had a value at the threshold or beyond.
package struct Rule: Hashable, Sendable {
  package var measure: Measure
  package var threshold: Double
  /// How many one-second slots it looks back.
  package var periodSeconds: Int
  /// How many of them have to match.
  package var count: Int
  /// Whether values at the threshold or below it match.
  package var isBelow = false
  /// Whether values are divided by the number of the host's CPUs.
  package var isNormalized = false
  /// Whether a worse peak starts another task within the cooldown.
  package var refiresWhenWorse = false

  package init(_ measure: Measure, threshold: Double, periodSeconds: Int, count: Int) {
    self.measure = measure
    self.threshold = threshold
    self.periodSeconds = periodSeconds
    self.count = count
  }

  package func matches(_ value: Double) -> Bool { isBelow ? value <= threshold : value >= threshold }

  /// Whether one value is further beyond the threshold than another.
  package func isWorse(_ value: Double, than other: Double) -> Bool { isBelow ? value < other : value > other }
}
