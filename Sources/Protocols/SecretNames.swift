/// Tells from the name of a header, parameter or field whether its value is a secret.
///
/// Names are judged by their words: `-`, `_` and other marks, and the capitals of `camelCase`, divide them. `X-Access-Key`
/// has the word `key`, `monkey` does not.
enum SecretNames {
  /// A word of the name is one of these.
  private static let words: Set<String> = [
    "key", "keys", "token", "tokens", "secret", "secrets", "pass", "pwd", "pw", "psk", "pin", "otp", "totp", "hotp",
    "mfa",
    "2fa", "jwt", "jws", "jwe", "session", "sessions", "sess", "sid", "auth", "cookie", "cookies", "cred", "creds",
    "license", "licence", "ssn", "sig", "hmac", "csrf", "xsrf", "bearer", "dpop", "wsse", "oidc", "saml", "assertion",
    "mnemonic", "passport", "iban", "cvv", "cvc", "passwort", "kennwort", "senha", "contrasena", "motdepasse",
  ]
  /// The name contains one of these, whatever is around it and however it is divided.
  private static let pieces = [
    "token", "secret", "password", "passwd", "passphrase", "passcode", "credential", "signature", "cookie", "apikey",
    "accesskey", "privatekey", "session", "sessid", "authoriz", "authoris", "authentic", "oauth", "samlre",
  ]
  /// Words that are written together with secret ones: `authkey`, `jsessionid`, `userpin`.
  private static let companions: Set<String> = [
    "access", "account", "admin", "api", "app", "asp", "aws", "azure", "client", "confirm", "current", "data",
    "database",
    "db", "device", "encryption", "function", "functions", "gcp", "github", "gitlab", "google", "http", "id", "j",
    "login",
    "master", "my", "net", "new", "old", "php", "private", "proxy", "refresh", "repeat", "root", "rsa", "server",
    "service",
    "shared", "signing", "site", "ssh", "ssl", "storage", "subscription", "tls", "user", "usr", "value", "web", "www",
    "x",
  ]
  /// What a code is for if it is a secret: `verification_code`.
  private static let codes: Set<String> = [
    "access", "activation", "backup", "confirmation", "invite", "login", "mfa", "recovery", "reset", "security", "sms",
    "time", "verification", "verify",
  ]
  /// Names, without marks and capitals, whose values are known to be no secrets.
  private static let harmless: Set<String> = [
    "accesscontrolallowcredentials", "cachekey", "completiontokens", "idempotencykey", "inputtokens", "maxtokens",
    "outputtokens", "partitionkey", "prompttokens", "publickey", "publickeypins", "secretary", "secwebsocketaccept",
    "secwebsocketkey", "sortkey", "surrogatekey", "tokentype", "totaltokens", "xcachekey", "xidempotencykey",
  ]
  /// Secret as the name of a parameter; in JSON they name errors and files.
  private static let parameters: Set<String> = ["code", "ticket"]

  private static let longestName = 256

  /// - Parameters:
  ///   - name: decoded; only its last 256 bytes are looked at.
  ///   - isParameter: whether it belongs to a query or a form.
  static func contain(_ name: some Collection<UInt8>, isParameter: Bool = false) -> Bool {
    let parts = name.suffix(longestName).split { !($0.isLetter || $0.isDigit || $0 >= 0x80) }
    let joined = lowercase(parts.joined())
    if harmless.contains(joined) { return false }
    if isParameter && parameters.contains(joined) || pieces.contains(where: joined.contains) { return true }
    let divided = parts.flatMap { words(of: Array($0)) }
    if divided.contains(where: isSecret) || parts.contains(where: { isSecret(lowercase($0)) }) { return true }
    return zip(divided, divided.dropFirst()).contains { first, second in
      second == "code" && codes.contains(first) || second == "number" && ["card", "account"].contains(first)
    }
  }

  private static func lowercase(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.map { $0.isLetter ? $0 | 0x20 : $0 }, as: UTF8.self)
  }

  /// `APIKey2` is `api` and `key2`.
  private static func words(of part: [UInt8]) -> [String] {
    func isCapital(_ place: Int) -> Bool { part.indices.contains(place) && (0x41...0x5A).contains(part[place]) }
    func isSmall(_ place: Int) -> Bool { part.indices.contains(place) && (0x61...0x7A).contains(part[place]) }
    var result: [String] = []
    var start = 0
    for place in 1..<max(part.count, 1) where isCapital(place) && (!isCapital(place - 1) || isSmall(place + 1)) {
      result.append(lowercase(part[start..<place]))
      start = place
    }
    return result + [lowercase(part[start...])]
  }

  private static func isSecret(_ numbered: String) -> Bool {
    if words.contains(numbered) { return true }
    var word = numbered[...]
    while let last = word.utf8.last, last.isDigit { word.removeLast() }
    return words.contains(String(word)) || isCompound(Array(word))
  }

  /// Whether a word is made of words that are known, one of them secret.
  private static func isCompound(_ word: [Character]) -> Bool {
    guard (2...40).contains(word.count) else { return false }
    /// Whether known words reach a place: without a secret one, and with one.
    var plain = [true] + Array(repeating: false, count: word.count)
    var secret = Array(repeating: false, count: word.count + 1)
    for end in 1...word.count {
      for start in max(0, end - 12)..<end where plain[start] || secret[start] {
        let piece = String(word[start..<end])
        if words.contains(piece) {
          secret[end] = true
        } else if companions.contains(piece) {
          plain[end] = plain[end] || plain[start]
          secret[end] = secret[end] || secret[start]
        }
      }
    }
    return secret[word.count]
  }
}
