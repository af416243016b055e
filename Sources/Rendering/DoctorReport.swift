package import ProfileModel

/// What `swprof doctor` found, for people and for scripts.
package enum DoctorReport {
  /// Whether no finding stands in the way of a capture.
  package static func canProfile(_ findings: [Finding]) -> Bool {
    !findings.contains { $0.verdict == .missing }
  }

  /// A line for each finding, and the verdict.
  package static func text(_ findings: [Finding]) -> String {
    let width = findings.map(\.check.count).max() ?? 0
    var lines = findings.map { finding in
      let meaning = finding.meaning.isEmpty ? "" : " - \(finding.meaning)"
      return pad(finding.check, to: width) + "  " + pad(finding.verdict.rawValue, to: 7)
        + "  \(finding.detail)\(meaning)"
    }
    lines.append(canProfile(findings) ? "A profile can be taken here." : "No profile can be taken here.")
    return lines.map { $0 + "\n" }.joined()
  }

  /// One document: `can_profile`, and `checks` with check, verdict, detail and meaning.
  package static func json(_ findings: [Finding]) -> String {
    var writer = JSONWriter()
    writer.document(schema: "swprof.doctor", version: 1) { writer in
      writer.key("can_profile")
      writer.bool(canProfile(findings))
      writer.key("checks")
      writer.array { writer in
        for finding in findings {
          writer.object { writer in
            writer.key("check")
            writer.string(finding.check)
            writer.key("verdict")
            writer.string(finding.verdict.rawValue)
            writer.key("detail")
            writer.string(finding.detail)
            writer.key("meaning")
            writer.string(finding.meaning)
          }
        }
      }
    }
    return writer.text + "\n"
  }

  private static func pad(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
