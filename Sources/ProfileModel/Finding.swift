/// What one look at this machine found.
package struct Finding: Equatable, Sendable {
  package enum Verdict: String, Sendable {
    case ok
    /// Profiles can be taken, with what the meaning says missing.
    case limited
    /// No profile can be taken.
    case missing
  }

  /// A short name, stable for scripts.
  package let check: String
  package let verdict: Verdict
  /// What was seen.
  package let detail: String
  /// What it means for the user, and what to do.
  package let meaning: String

  package init(check: String, verdict: Verdict, detail: String, meaning: String) {
    self.check = check
    self.verdict = verdict
    self.detail = detail
    self.meaning = meaning
  }
}
