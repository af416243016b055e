/// Makes the path of a request fit to be shown.
package enum PathRedaction {
  /// What paths are cut behind.
  private static let longestPath = 118

  /// A path without secrets: those of parameters behind `;` or within encoded URLs, the user of `CONNECT user:password@host`,
  /// and identifiers behind words such as `token`.
  package static func text(_ path: String) -> String {
    let bytes = Array(path.utf8)
    let shown = SecretScan.replacing(bytes, .path, isCut: bytes.count > longestPath)
    return withoutSecretSegments(String(decoding: shown, as: UTF8.self))
  }

  /// A path up to its first parameter, encoded ones included.
  package static func withoutContent(_ path: String) -> String {
    let bytes = Array(path.utf8)
    let end = DecodedByte.decode(bytes).first { "?;=#".utf8.contains($0.value) }?.place.lowerBound ?? bytes.count
    return text(String(decoding: bytes[..<end], as: UTF8.self))
  }

  /// `/reset-password/[redacted]`; `/auth/login` stays.
  private static func withoutSecretSegments(_ path: String) -> String {
    var segments = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    for index in segments.indices.dropFirst()
    where PathFolding.isRandom(segments[index]) && SecretNames.contain(Array(segments[index - 1].utf8)) {
      segments[index] = HeaderRedaction.placeholder
    }
    return segments.joined(separator: "/")
  }
}
