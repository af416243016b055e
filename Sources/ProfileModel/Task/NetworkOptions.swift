/// How a network capture was asked for.
package struct NetworkOptions: Equatable, Sendable, Codable {
  /// Regular expressions; only requests whose path one of them finds are listed and kept. Empty: all.
  package var uris: [String]
  /// Requests of this length or more, in ns, are slow.
  package var slowerThanNanoseconds: UInt64
  /// What requests are kept for, the first that fits.
  package var reasons: [RequestSample.Reason]
  /// How many bytes of a message are kept; 0 for none.
  package var bodyBytes: Int
  /// How many requests are kept for each reason and endpoint.
  package var samplesPerEndpoint: Int
  /// Whether the time that system calls take is measured.
  package var callTimes: Bool
  /// Whether numbers and identifiers in paths are shown as one: `/users/{id}`.
  package var foldsIdentifiers: Bool
  /// False where no content may be kept; nil, as in older databases, where it may.
  private var content: Bool?
  /// Whether what messages contain may be kept: heads, bodies, and the parameters in paths.
  package var keepsContent: Bool {
    get { content ?? true }
    set { content = newValue ? nil : false }
  }

  package init(
    uris: [String] = [], slowerThanNanoseconds: UInt64 = 250_000_000,
    reasons: [RequestSample.Reason] = [.slow, .clientError, .serverError], bodyBytes: Int = 0,
    samplesPerEndpoint: Int = 10, callTimes: Bool = false, foldsIdentifiers: Bool = false,
    keepsContent: Bool = true
  ) {
    self.uris = uris
    self.slowerThanNanoseconds = slowerThanNanoseconds
    self.reasons = reasons
    self.bodyBytes = bodyBytes
    self.samplesPerEndpoint = samplesPerEndpoint
    self.callTimes = callTimes
    self.foldsIdentifiers = foldsIdentifiers
    content = keepsContent ? nil : false
  }
}
