import Comparison
import Testing

@Suite struct CanonicalNameTests {
  @Test(arguments: [
    ("parse", "parse"), ("parse.cold", "parse"), ("parse.constprop.0", "parse"), ("parse.isra.0.part.3", "parse"),
    ("parse.llvm.123456789", "parse"), ("app::run::h0123456789abcdef", "app::run"),
    ("app::run::help", "app::run::help"),
    ("main::{lambda(int)#2}::operator()", "main::{lambda(int)#}::operator()"), ("closure #12 in f", "closure # in f"),
    ("stub_0x7f12ab", "stub_0x"), ("v1.2", "v1.2"), (".cold", ".cold"),
  ])
  func `what differs from build to build is stripped`(name: String, expected: String) {
    #expect(CanonicalName.of(name) == expected)
  }
}
