import LinuxSystem
import ProfileModel
import SeededRandom
import Testing

/// Regular expressions, which hostile texts must not make slow.
@Suite struct TextPatternTests {
  @Test(arguments: [
    ("gunicorn .*checkout", "gunicorn -w 4 checkout:app"), ("", "anything"), ("^$", ""), ("a|b|", "z"),
    ("^(?:GET|POST) /api/v[0-9]+/", "POST /api/v12/cart"), ("(?i)JAVA", "/usr/bin/java"), ("(?i:É)x", "éx"),
    ("x{2,3}$", "axxx"), ("^x{2}$", "xx"), ("a{,2}b", "b"), ("{", "a{"), ("a{b}", "a{b}"), ("]", "]"), ("[]a]+$", "]a"),
    ("[^a-c]", "abcd"), ("[a-]-[-b]", "---"), ("[[:digit:]x]{3}", "1x2"), ("[[:^alpha:]]", "a1"), ("[[ab]c]", "b"),
    (#"\d+\.\d+"#, "v1.25"), (#"\bshop\b"#, "the shop."), (#"\Bop\b"#, "shop"), (#"^\w+$"#, "naïve_1"),
    (#"\x41\u0042\u{43}"#, "ABC"), (#"\Qa.b*\E+"#, "a.b**"), (#"\p{Lu}\P{Lu}"#, "Éa"), (#"a\Z"#, "a\n"),
    (#"\R"#, "\r\n"),
    ("(?m)^b$", "a\nb\nc"), ("(?s)a.b", "a\nb"), ("(?<word>a)(?P<other>b)", "ab"), ("a+?b??c", "aac"),
    ("(a*)*b", "aab"),
    ("checkout", "\u{301}checkout\u{301}"), ("(|a)+$", "aaa"), (#"[\]\\]"#, #"\"#), (#"\*\[\."#, "*[."),
  ])
  func `a pattern is found`(pattern: String, text: String) throws {
    #expect(try TextPattern(reading: pattern).finds(text))
  }

  @Test(arguments: [
    ("gunicorn .*checkout", "gunicorn -w 4 shop"), ("^b", "ab"), ("b$", "b\n"), ("a.b", "a\nb"), ("x{3}", "xx"),
    ("[^a-c]", "abc"), (#"\bop"#, "shop"), ("(?i)a(?-i)b", "AB"), ("(?i:a)b", "aB"), ("^[[:alpha:]]+$", "a1"),
    ("^(a|b)c", "ac".uppercased()), (#"\D"#, "42"), (#"\A\S+\z"#, "a b"), ("(?m)^b$", "ab"), ("a", ""),
  ])
  func `a pattern is not found`(pattern: String, text: String) throws {
    #expect(try !TextPattern(reading: pattern).finds(text))
  }

  @Test(arguments: [
    "(", ")", "a)", "[", "[a", "*", "a**", "a{2,1}", "^*", #"\"#, #"\q"#, #"\x{110000}"#, #"\u12"#, #"\p{L"#, "(?<>a)",
    "[b-a]", "[[:nothing:]]", "(?", "(?i",
  ])
  func `what is no pattern is refused`(pattern: String) {
    #expect(throws: UnreadableText.notAPattern) { try TextPattern(reading: pattern) }
  }

  @Test(arguments: [
    ("a(?=b)", "lookahead"), ("a(?!b)", "lookahead"), ("(?<=a)b", "lookbehind"), ("(?<!a)b", "lookbehind"),
    (#"(a)\1"#, "references back"), (#"(?<n>a)\k<n>"#, "references back"), ("(?>a)", "atomic groups"),
    ("a++", "possessive repetition"), ("(?x)a", "the option 'x'"), (#"\X"#, #"the escape '\X'"#),
    (#"\p{Script=Greek}"#, "the property 'Script=Greek'"), ("[a&&b]", "'&&' between brackets"),
  ])
  func `what cannot be matched in linear time is refused by its name`(pattern: String, part: String) {
    #expect(throws: UnreadableText.patternUnsupported(part)) { try TextPattern(reading: pattern) }
    #expect(
      UnreadableText.patternUnsupported(part).reason == "has \(part), which regular expressions here do not have")
  }

  @Test(arguments: [
    "a{1001}", "(a{100}){100}", "((((){1000}){1000}){1000}){1000}", "a{999999999}",
    String(repeating: "(", count: 101) + String(repeating: ")", count: 101),
    String(repeating: "[", count: 2048) + String(repeating: "]", count: 2048),
  ])
  func `a pattern that repeats too much is refused`(pattern: String) {
    #expect(throws: UnreadableText.patternTooLarge) { try TextPattern(reading: pattern) }
  }

  /// With backtracking, each of these takes seconds at the least, and most of them for ever. The bound in CPU time is
  /// twenty times what a debug build takes.
  @Test(arguments: [
    ("gunicorn .*checkout", "gunicorn "), ("java .*-jar .*shop", "java -jar "), ("(a+)+c", "a"), ("(a|a)*c", "a"),
    ("(a*)*c", "a"), ("(.*)(.*)(.*)(.*)(.*)x", "a"), ("(a?){50}a{50}c", "a"), ("^(([a-z])+.)+[A-Z]([a-z])+$", "a"),
    (#"(\w+\s*)+:"#, "a "), ("(?i)(k|\u{212A})+z", "k"),
    ("(?i)" + String(repeating: "[", count: 60) + "a" + String(repeating: "]", count: 60) + "z", "é"),
  ])
  func `no text makes a pattern slow`(pattern: String, part: String) throws {
    let pattern = try TextPattern(reading: pattern)
    let text = String(String(repeating: part, count: 4096).prefix(4096))
    let start = Clock.threadCPUNanoseconds
    for _ in 0..<4 { #expect(!pattern.finds(text)) }
    #expect(Clock.threadCPUNanoseconds - start < 10_000_000_000)
  }

  /// The oracle backtracks, so that its texts are short. It counts graphemes, which are scalars in ASCII.
  @Test func `short patterns find what Swift's do`() throws {
    var random = SplitMix(state: 18)
    var compared = 0
    for _ in 0..<3000 {
      let pattern = Self.pattern(depth: 3, &random)
      let oracle = try Regex(pattern)
      let own = try TextPattern(reading: pattern)
      for _ in 0..<4 {
        let text = (0..<Int.random(in: 0...8, using: &random)).map { _ in "abA1 ".randomElement(using: &random) ?? "a" }
        let isFound = try oracle.firstMatch(in: String(text)) != nil
        #expect(own.finds(String(text)) == isFound, "/\(pattern)/ in '\(String(text))'")
        compared += 1
      }
    }
    #expect(compared == 12_000)
  }

  private static func pattern(depth: Int, _ random: inout SplitMix) -> String {
    let atoms = ["a", "b", "1", ".", "[ab]", "[^a]", #"\d"#, #"\w"#, #"\s"#, "[a-z1]", "(?i:a)", #"\S"#]
    func inner() -> String { pattern(depth: depth - 1, &random) }
    guard depth > 0 else { return atoms.randomElement(using: &random) ?? "a" }
    switch Int.random(in: 0..<8, using: &random) {
    case 0: return inner() + "|" + inner()
    case 1: return "(" + inner() + ")" + (["*", "+", "?", "{2}", "{1,2}", "*?"].randomElement(using: &random) ?? "*")
    case 2: return "(?:" + inner() + ")"
    case 3: return "^(?:" + inner() + ")"
    case 4: return "(?:" + inner() + ")$"
    default: return inner() + inner()
    }
  }

  /// Whatever the bytes, a pattern is read or refused, and matching ends.
  @Test func `any text is a pattern or refused`() throws {
    var random = SplitMix(state: 42)
    let parts = Array(#"ab1.*+?|(){}[]^$\-,:<>=!iswmxdDpPuQERkZz &~"#.unicodeScalars)
    for _ in 0..<20_000 {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...12, using: &random) { text.append(parts.randomElement(using: &random) ?? "a") }
      guard let pattern = TextPattern(String(text)) else { continue }
      _ = pattern.finds("ab1 (a) [b] {1} \\a")
    }
  }
}
