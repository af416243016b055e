import ProfileModel
import Testing

@Suite struct FrameOriginTests {
  private static let origins: [FrameOrigin] = [
    .user, .kernel, .jit, .unresolved, .marker, .interpreted(.python), .interpreted(.javaScript),
    .interpreterNative(.python),
  ]

  @Test(arguments: origins)
  func `an origin comes back from its code and language`(origin: FrameOrigin) {
    #expect(FrameOrigin(code: origin.code, language: origin.language) == origin)
  }

  @Test func `a code of a later version is no origin`() {
    for code in UInt8(7)...255 { #expect(FrameOrigin(code: code, language: .python) == nil) }
  }

  @Test(arguments: [UInt8(5), 6])
  func `an interpreted function, or one of an interpreter, is none without a language`(code: UInt8) {
    #expect(FrameOrigin(code: code) == nil)
  }

  @Test(arguments: [("Python", "python"), ("c#", "c#"), ("emacs-lisp", "emacs-lisp"), ("r", "r"), ("Perl6", "perl6")])
  func `a language that nobody knows keeps its name, in lower case`(name: String, kept: String) {
    #expect(Language(name)?.name == kept)
  }

  @Test(arguments: ["", "6", "a b", "a]", "é", "k\0", String(repeating: "x", count: 32)])
  func `a name that is no word is no language`(name: String) {
    #expect(Language(name) == nil)
  }
}
