/// What is wrong with the files of a profile: one sentence for all files that have the same problem.
struct FileProblems {
  /// The paths that have each problem, in the order in which they came; those of a problem that is no file's are empty.
  private var problems: [(problem: String, paths: [String])] = []
  private var places: [String: Int] = [:]

  private static let pathsShown = 3

  /// - Parameters:
  ///   - warning: a sentence; one that begins with the path and a colon is that file's problem.
  ///   - path: of the file; nil where it is about none.
  mutating func add(_ warning: String, path: String?) {
    guard let path, warning.hasPrefix(path + ": ") else { return problems.append((warning, [])) }
    let problem = String(warning.dropFirst(path.count + 2))
    if let place = places[problem] {
      if !problems[place].paths.contains(path) { problems[place].paths.append(path) }
    } else {
      places[problem] = problems.count
      problems.append((problem, [path]))
    }
  }

  /// `/lib/a.so, /lib/b.so, /lib/c.so and 7 more: stripped and without a debug file`
  var sentences: [String] {
    problems.map { problem, paths in
      guard !paths.isEmpty else { return problem }
      let shown = paths.prefix(Self.pathsShown).joined(separator: ", ")
      let others = paths.count - Self.pathsShown
      return "\(shown)\(others > 0 ? " and \(others) more" : ""): \(problem)"
    }
  }
}
