/// What a task or a profile is printed as.
package enum OutputFormat: String, CaseIterable, Sendable {
  case folded
  case svg
  case html
  case json
  case speedscope
  case pprof
  case perfScript
  case top
  case dot

  /// The ends of a file's name that ask for the format.
  private var suffixes: [String] {
    switch self {
    case .folded: [".folded"]
    case .svg: [".svg"]
    case .html: [".html"]
    case .json: [".json"]
    case .speedscope: [".speedscope.json"]
    case .pprof: [".pb.gz", ".pprof"]
    case .dot: [".dot", ".gv"]
    case .perfScript, .top: []
    }
  }

  /// The format that a file's name asks for: the one with the longest suffix that fits; nil for none.
  package init?(fileName: String) {
    let candidates = Self.allCases.flatMap { format in format.suffixes.map { (format, $0) } }
    guard let best = candidates.filter({ fileName.hasSuffix($0.1) }).max(by: { $0.1.count < $1.1.count }) else {
      return nil
    }
    self = best.0
  }
}
