/// Why a profile that the user named cannot be loaded, or not be used as asked for.
package struct LoadingError: Error, Equatable, CustomStringConvertible {
  /// What it means for the program's exit code.
  package enum Kind: Equatable, Sendable {
    case notFound
    case notPermitted
    case malformed
    /// The profile is there, and does not fit the request.
    case unsuitable
  }

  package let description: String
  package let kind: Kind

  init(_ sentence: String, _ kind: Kind) {
    description = sentence
    self.kind = kind
  }
}
