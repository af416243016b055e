package import Comparison

/// What the result of a check is printed as.
package enum CheckFormat: String, CaseIterable, Sendable {
  case text
  case json
  case markdown
  case junit
  case github

  package func render(_ check: Check, isColored: Bool) -> String {
    switch self {
    case .text: CheckText.render(check, isColored: isColored)
    case .json: CheckJSON.render(check)
    case .markdown: CheckMarkdown.render(check)
    case .junit: CheckJUnit.render(check)
    case .github: CheckAnnotations.render(check)
    }
  }
}
