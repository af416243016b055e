import ProfileModel
import Testing

@testable import Symbolication

/// Names of stubs, by what the source says that each function calls.
struct ProcedureLinkageTests {
  private static let linkers = [
    "mold", "mold -Wl,-z,now", "lld -Wl,-z,lazy", "lld -Wl,-z,now", "lld -Wl,-z,retpolineplt -Wl,-z,lazy",
    "lld -Wl,-z,retpolineplt -Wl,-z,now", "lld -Wl,-z,force-ibt", "gold", "bfd", "bfd -Wl,-z,ibtplt", "bfd -Wl,-z,now",
  ]

  private static let callees = ["alpha", "bravo", "charlie", "delta", "echo"]

  private let workshop: Workshop

  init() throws {
    workshop = try Workshop()
    let callees = Self.callees.map { "int \($0)(int x) { return x + 1; }" }
    try workshop.write(callees.joined(separator: "\n"), to: "callees.c")
    try workshop.run("gcc -shared -fPIC -o libcallees.so callees.c")
    let callers = Self.callees.map { "int \($0)(int); int call_\($0)(int x) { return \($0)(x) + 1; }" }
    try workshop.write(
      """
      \(callers.joined(separator: "\n"))
      // Has a slot of its own kind, and with it a stub elsewhere.
      void *pointer(void) { return (void *)charlie; }
      static int first_way(int x) { return x + 1; }
      static void *choose(void) { return (void *)first_way; }
      __attribute__((visibility("hidden"))) int chosen(int) __attribute__((ifunc("choose")));
      int call_chosen(int x) { return chosen(x) + 1; }
      """, to: "a.c")
  }

  @Test(arguments: linkers)
  func `a stub is named by the function that it calls`(linker: String) throws {
    try workshop.run("gcc -O2 -fPIC -shared -fuse-ld=\(linker) -o a.so a.c libcallees.so")
    let stubs = try Self.callees.map { try workshop.firstCall(of: "call_\($0)", in: "a.so") }

    #expect(try workshop.names(stubs, in: "a.so") == Self.callees.map { "\($0)@plt" })
    #expect(try workshop.names(stubs.map { $0 + 5 }, in: "a.so") == Self.callees.map { "\($0)@plt" })
    let chosen = try workshop.firstCall(of: "call_chosen", in: "a.so")
    #expect(try workshop.names([chosen], in: "a.so") == ["chosen@plt"])

    try workshop.run("strip a.so")
    #expect(try workshop.names(stubs, in: "a.so") == Self.callees.map { "\($0)@plt" })
    // Nothing is left that would name a function of the file's own.
    #expect(try workshop.symbolicate([chosen], in: "a.so").frames[0][0].origin == .unresolved)
  }

  @Test func `a stub of a static program is named by the function that is chosen`() throws {
    try workshop.write(
      """
      #include <string.h>
      int call_copy(char *to, const char *from, unsigned long n) { memcpy(to, from, n); return to[0]; }
      int main(int argc, char **argv) { char a[10] = "", b[10] = ""; return call_copy(a, b, argc); }
      """, to: "static.c")
    try workshop.run("gcc -O1 -static -fno-inline -fno-builtin -o static static.c")
    let stub = try workshop.firstCall(of: "call_copy", in: "static")

    #expect(try workshop.names([stub], in: "static") == ["memcpy@plt"])
  }
}
