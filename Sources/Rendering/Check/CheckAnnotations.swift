package import Comparison
import ProfileModel

/// A check as workflow commands of GitHub Actions, which show at the lines of the change.
///
/// A step shows ten errors and ten warnings and drops the rest in silence
/// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands), so that the last of ten says how many there are.
package enum CheckAnnotations {
  private static let limit = 10

  package static func render(_ check: Check) -> String {
    let wording = CheckWording(check: check)
    var errors = wording.failures.map { command("error", wording.sentence($0), $0) }
    if check.isTotalRegression { errors.append(command("error", wording.total)) }
    var warnings = check.findings.filter { !$0.isFailure }.map {
      command("warning", "\(wording.label($0)): \(wording.sentence($0))", $0)
    }
    if check.verdict == .inconclusive || check.verdict == .notComparable {
      let reasons = check.reasons.joined(separator: "; ")
      warnings.insert(command("warning", "\(wording.verdict); \(reasons)"), at: 0)
    }
    warnings += check.warnings.map { command("warning", $0) }
    let lines = limited(errors, "error") + limited(warnings, "warning") + [command("notice", wording.verdict)]
    return lines.map { $0 + "\n" }.joined()
  }

  private static func limited(_ commands: [String], _ level: String) -> [String] {
    guard commands.count > limit else { return commands }
    let rest = commands.count - (limit - 1)
    return commands.prefix(limit - 1) + [command(level, "\(rest) more; the job's log has them all")]
  }

  private static func command(_ level: String, _ message: String, _ finding: Check.Finding? = nil) -> String {
    var properties: [String] = []
    if let source = finding?.source { properties += ["file=\(property(source.file))", "line=\(source.line)"] }
    let title = finding.map { "swprof check: \(CheckWording.visible($0.result.key.name))" } ?? "swprof check"
    properties.append("title=\(property(title))")
    return "::\(level) \(properties.joined(separator: ","))::\(escaped(message))"
  }

  /// Commands end with their line, and `%` begins an escape.
  private static func escaped(_ text: String) -> String {
    DisplayText.visible(text).map { $0 == "%" ? "%25" : String($0) }.joined()
  }

  private static func property(_ text: String) -> String {
    escaped(text).map { character in
      switch character {
      case ":": "%3A"
      case ",": "%2C"
      default: String(character)
      }
    }.joined()
  }
}
