/// What is wrong at one place of a policy file.
package struct PolicyProblem: Error, Hashable, Sendable {
  /// From 1 on.
  package let line: Int
  /// In Unicode scalars, from 1 on.
  package let column: Int
  /// What is wrong, and what was expected.
  package let sentence: String

  package func description(file: String) -> String { "\(file):\(line):\(column): \(sentence)" }
}

/// Everything that is wrong with a policy file.
package struct PolicyFileError: Error, Equatable, Sendable, CustomStringConvertible {
  package let file: String
  /// In the order of their places; at least one.
  package let problems: [PolicyProblem]

  package init(file: String, problems: [PolicyProblem]) {
    self.file = file
    self.problems = problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
  }

  package var lines: [String] { problems.map { $0.description(file: file) } }
  package var description: String { lines.joined(separator: "\n") }
}

/// Collects what is wrong while a file is read.
final class ProblemList {
  private(set) var problems: [PolicyProblem] = []
  /// Each is compared with all others, and nobody reads more.
  private static let maximumCount = 200

  func add(_ sentence: String, line: Int, column: Int) {
    guard problems.count < Self.maximumCount else { return }
    let problem = PolicyProblem(line: line, column: column, sentence: sentence)
    if !problems.contains(problem) { problems.append(problem) }
  }
}
