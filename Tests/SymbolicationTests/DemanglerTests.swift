import SeededRandom
import Testing

@testable import Symbolication

@Suite struct DemanglerTests {
  private func demangle(_ name: String) -> String {
    var demangler = Demangler()
    return demangler.demangle(name)
  }

  @Test(arguments: [
    ("_Z3addii", "add(int, int)"),
    ("_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int, std::allocator<int> >::push_back(int const&)"),
    ("_ZN4shopL4workEv.constprop.0", "shop::work() [clone .constprop.0]"),
    ("_ZN12_GLOBAL__N_14workEv", "(anonymous namespace)::work()"),
  ])
  func `names of C++ are read`(mangled: String, expected: String) {
    #expect(demangle(mangled) == expected)
  }

  @Test(arguments: [
    ("$s4main3addyS2i_SitF", "main.add(Swift.Int, Swift.Int) -> Swift.Int"),
    ("$sSa6appendyyxnF", "Swift.Array.append(__owned A) -> ()"),
    ("_$s4main3addyS2i_SitF", "main.add(Swift.Int, Swift.Int) -> Swift.Int"),
  ])
  func `names of Swift are read`(mangled: String, expected: String) {
    #expect(demangle(mangled) == expected)
  }

  @Test(arguments: [
    ("_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE", "core::fmt::Formatter::write_str"),
    (
      "_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE",
      "<Test + 'static as foo::Bar<Test>>::bar"
    ),
    ("_ZN4main4main17h0123456789abcdefE.llvm.1234", "main::main"),
  ])
  func `names of older Rust are read`(mangled: String, expected: String) {
    #expect(demangle(mangled) == expected)
  }

  /// Emitted by rustc 1.95 with `-C symbol-mangling-version=v0`; the readings agree with those of binutils 2.40, but
  /// for the hashes and the types of constants, which are left out.
  @Test(arguments: [
    ("_RNvCs6xxl1lAjzDf_1a4main", "a::main"),
    ("_RNvCs6xxl1lAjzDf_1a4main.llvm.77", "a::main"),
    ("_RINvCs6xxl1lAjzDf_1a4manyjEB2_", "a::many::<usize>"),
    ("_RINvCs6xxl1lAjzDf_1a4manyThRAnj2_EEB2_", "a::many::<(u8, &[i128; 2])>"),
    ("_RINvCs6xxl1lAjzDf_1a4manyFG0_RL1_eQL0_hEOuEB2_", "a::many::<for<'a, 'b> fn(&'a str, &'b mut u8) -> *mut ()>"),
    (
      "_RINvCs6xxl1lAjzDf_1a4manyRDG_INtNtNtCsgEmfK2I1SDS_4core3ops8function2FnTRL0_eEEp6OutputRL0_eNtNtBy_6marker4SendEL_EB2_",
      "a::many::<&dyn for<'a> core::ops::function::Fn<(&'a str,), Output = &'a str> + core::marker::Send>"
    ),
    (
      "_RINvCs6xxl1lAjzDf_1a3genINtNtCslNYArtu3iFV_5alloc3vec3VecINtNtCsgEmfK2I1SDS_4core6option6OptionhEENCNvB2_4mains1_0EB2_",
      "a::gen::<alloc::vec::Vec<core::option::Option<u8>>, a::main::{closure#3}>"
    ),
    (
      "_RNSNvYNCNvCs6xxl1lAjzDf_1a4mains_0INtNtNtCsgEmfK2I1SDS_4core3ops8function6FnOnceTReEE9call_once6vtableB8_",
      "<a::main::{closure#1} as core::ops::function::FnOnce<(&str,)>>::call_once::{shim:vtable#0}"
    ),
    ("_RNvMs_Cs6xxl1lAjzDf_1aINtB4_1CKb1_Kce9_Kln7_E2goB4_", "<a::C<true, 'é', -7>>::go"),
    ("_RNvNtCs6xxl1lAjzDf_1au9gre_6ka8iu8lnge_loa", "a::größe::länge"),
  ])
  func `names of Rust are read`(mangled: String, expected: String) {
    #expect(demangle(mangled) == expected)
  }

  @Test(arguments: [
    "main", "_start", "_", "_Z", "_ZN", "_ZN3abcE99", "_R", "_RNv", "_RNvC", "_RNvC1a", "_R9NvC1a1b", "_RB_",
    "_RNvB_1a",
    "_RIB0_E", "_Rust", "_Zebra", "$s", "$sX", "_ZN4core17h0123456789abcdeE", "JS:~run", "größe",
  ])
  func `what no rule reads stays`(name: String) {
    #expect(demangle(name) == name)
  }

  @Test func `a name of Rust that means an endless one stays`() {
    // Each tuple holds the one before it twice.
    var name = "_RINvC1a1fTuuE"
    var start = 9
    for _ in 0..<40 {
      let reference = "B" + base62(start - 2 + 2)
      start = name.utf8.count - 2
      name += "T\(reference)\(reference)E"
    }
    name += "E"
    #expect(demangle(name) == name || demangle(name).utf8.count <= Demangler.maximumLength + 3)
    let deep = "_RINvC1a1f" + String(repeating: "R", count: 3_000) + "uE"
    #expect(demangle(deep) == deep)
  }

  private func base62(_ number: Int) -> String {
    guard number > 0 else { return "_" }
    let digits = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    var rest = number - 1
    var text = ""
    repeat {
      text = String(digits[rest % 62]) + text
      rest /= 62
    } while rest > 0
    return text + "_"
  }

  @Test func `names changed at random are survived`() {
    let names = [
      "_RINvCs6xxl1lAjzDf_1a4manyFG0_RL1_eQL0_hEOuEB2_", "_RNvNtCs6xxl1lAjzDf_1au9gre_6ka8iu8lnge_loa",
      "_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE", "_ZNSt6vectorIiSaIiEE9push_backERKi",
    ]
    var random = SplitMix(state: 5)
    for round in 0..<4_000 {
      var bytes = Array(names[round % names.count].utf8)
      for _ in 0..<3 {
        bytes[Int.random(in: 2..<bytes.count, using: &random)] = UInt8.random(in: 0x24...0x7A, using: &random)
      }
      #expect(!demangle(String(decoding: bytes, as: UTF8.self)).isEmpty)
    }
  }

  @Test func `an endless name is cut`() {
    #expect(demangle(String(repeating: "x", count: 10_000)).utf8.count == Demangler.maximumLength + "…".utf8.count)
  }

  @Test func `a name made to exhaust the demangler stays as it is, and the next names are read`() {
    // pair<int, int>, then pairs of pairs: each level doubles the text. The levels are numbered in base 36.
    let levels = (0..<33).map {
      "S_IS\(String($0, radix: 36, uppercase: true))_S\(String($0, radix: 36, uppercase: true))_E"
    }
    let bomb = "_Z1fSt4pairIiiE" + levels.joined()
    var demangler = Demangler()

    #expect(demangler.demangle(bomb) == bomb)
    #expect(demangler.demangle("_Z3addii") == "add(int, int)")
  }
}
