extension WaitState {
  /// Letters of ps(1), with or without commas between them; nil where one is none of them, or where there is none.
  package static func list(reading text: String) -> [WaitState]? {
    var states: [WaitState] = []
    for letter in text where letter != "," {
      guard let state = WaitState(rawValue: String(letter)) else { return nil }
      if !states.contains(state) { states.append(state) }
    }
    return states.isEmpty ? nil : states
  }
}

extension RequestSample.Reason {
  /// What requests are kept for unless told otherwise: a slow request that fails is kept as one that fails.
  package static let standard: [Self] = [.serverError, .clientError, .slow]

  /// `slow`, `4xx`, `5xx`, with commas between them; or `none`. Nil for anything else.
  package static func list(reading text: String) -> [Self]? {
    if text == "none" { return [] }
    var reasons: [Self] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let reason = Self(rawValue: String(word)) else { return nil }
      if !reasons.contains(reason) { reasons.append(reason) }
    }
    return reasons
  }
}
