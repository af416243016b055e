import Testing

@testable import Symbolication

struct FunctionCloneTests {
  @Test(arguments: [
    ("work.cold", "work"), ("work.part.0", "work"), ("work.isra.12", "work"), ("work.constprop.0", "work"),
    ("work.isra.0.cold", "work"), ("work.part.0.isra.1", "work"), ("_ZN1a1bEv.llvm.1234567890", "_ZN1a1bEv"),
    ("work.lto_priv.3", "work"),
  ])
  func `a part or a variant is shown as its function`(symbol: String, function: String) {
    #expect(FunctionClone.original(of: symbol) == function)
  }

  @Test(arguments: ["work", "main.part", "a.b.0", ".cold", ".L123", "work.", "", "std.llvm"])
  func `other names stay`(symbol: String) {
    #expect(FunctionClone.original(of: symbol) == symbol)
  }
}
