import Glibc
import LinuxSystem
import SeededRandom
import Testing

@testable import Symbolication

/// Names of D, as gdc makes them and as binutils reads them.
@Suite struct DNameTests {
  @Test(arguments: [
    ("_Dmain", "D main"),
    ("_D1d__T3BoxTiZQh5churnMFmZm", "d.Box!(int).Box.churn(ulong)"),
    ("_D8demangle4testFaZv", "demangle.test(char)"),
    ("_D8demangle4testMxFZv", "demangle.test() const"),
    ("_D8demangle4test6__ctorMFZC8demangle4test", "demangle.test.this()"),
    ("_D8demangle4test6__initZ", "initializer for demangle.test"),
    ("_D8demangle4testFLC6ObjectLDFLiZiZi", "demangle.test(lazy Object, lazy int(lazy int) delegate)"),
    ("_D8demangle4testFHAbaZv", "demangle.test(char[bool[]])"),
    ("_D8demangle14__T4testVai97Z4testFZv", "demangle.test!('a').test()"),
    ("_D8demangle22__T4testVHiAyai1a1_61Zv", "_D8demangle22__T4testVHiAyai1a1_61Zv"),
    ("_D4test3fooFNgPxNgPvZNgxPv", "test.foo(inout(const(inout(void*))*))"),
  ])
  func `names of D are read`(mangled: String, expected: String) {
    var demangler = Demangler()
    #expect(demangler.demangle(mangled) == expected)
  }

  /// Names of a program and of the standard library, and as many with some characters changed.
  @Test func `names of a program are read as binutils reads them`() throws {
    let workshop = try Workshop()
    try workshop.write(
      """
      module shop.work;
      import std.algorithm, std.array, std.conv, std.datetime, std.format, std.json, std.range, std.regex, std.stdio,
        std.typecons, std.variant;
      struct Box(T, alias compare = "a < b", string text = "x\\n\\"y", double scale = -1.5, int[] list = [1, 2]) {
        T value;
        ref inout(T) get() inout return pure nothrow @nogc @safe { return value; }
        T opCall(scope const(char)[] a, lazy int b, out ubyte[4] c, int[string] d) { return value; }
        this(this) {}
        ~this() {}
      }
      interface Shape { double area() const @property; }
      class Circle : Shape {
        shared int count;
        override double area() const @property { return 3; }
        static void each(alias fun, Args...)(Args args) { foreach (a; args) fun(a); }
      }
      extern (C++) int fromCxx(int x) { return x; }
      int variadic(int x, ...) { return x; }
      auto nested(int x) {
        struct Local { int y; int twice() { return y * 2; } }
        int inner(int z) { return Local(z + x).twice(); }
        return inner(x);
      }
      Tuple!(int, "a", string, "b") pair(immutable(wchar)* p, void delegate(int) shared d, int function(int) f) {
        return tuple!("a", "b")(1, "b");
      }
      void main(string[] args) {
        Box!(int) b;
        Box!(Circle, (x, y) => x.count < y.count, "z") c;
        Circle.each!(a => writeln(a))(1, "x", 'c', 2.5);
        writeln(nested(3), args.map!(a => a.length).filter!(a => a > 1).array.sort!("a > b").release);
        writeln(parseJSON("[1, 2]"), matchFirst("abc", regex(`b.`)), Clock.currTime, format("%s %d", "x", 3));
        writeln(pair(null, null, null), variadic(1, 2), b.get, fromCxx(2), Variant(3), iota(3).chunks(2));
      }
      """, to: "work.d")
    try workshop.run("gdc -O1 -c -o work.o work.d && cp $(gdc -print-file-name=libgphobos.a) .")
    try workshop.run(
      "{ nm work.o; nm libgphobos.a | awk 'NR % 7 == 0'; } | sed 's/.* //' | grep '^_D' | sort -u > names")
    let names = try OpenFile.text(of: workshop.path("names")).split(separator: "\n").map(String.init)
    try #require(names.count > 2_000)
    let count = getenv("SWPROF_MUTATIONS").flatMap { Int(String(cString: $0)) } ?? names.count
    var random = SplitMix(state: 13)
    let alphabet = Array("_DQZTUVMNFxyOiAa0123456789Sgz".utf8)
    let changed = (0..<count).map { _ -> String in
      var bytes = Array(names[Int(random.next() % UInt64(names.count))].utf8)
      for _ in 0...(random.next() % 2) {
        let place = 2 + Int(random.next() % UInt64(bytes.count - 2))
        bytes[place] = alphabet[Int(random.next() % UInt64(alphabet.count))]
      }
      return String(decoding: bytes, as: UTF8.self)
    }
    let all = names + changed
    try workshop.write(all.joined(separator: "\n") + "\n", to: "asked")
    try workshop.run("c++filt -s dlang < asked > told")
    let told = try OpenFile.text(of: workshop.path("told"), limit: 1 << 30).split(separator: "\n").map(String.init)
    try #require(told.count == all.count)

    var readable = 0
    var unread: [String] = []
    var wrong: [String] = []
    for (index, (name, told)) in zip(all, told).enumerated() {
      let own = DName.demangle(name)
      if let own, own != told { wrong.append("\(name): \(own), not \(told)") }
      guard index < names.count, told != name else { continue }
      readable += 1
      if own == nil { unread.append("\(name): not read, \(told)") }
    }
    #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(10))")
    // A few have readable forms of many kilobytes.
    #expect(readable > 2_000 && unread.count <= readable / 100, "\(unread.count) of \(readable): \(unread.prefix(10))")
  }

  @Test func `a name of D that means an endless one stays`() {
    // Each type holds the one before it twice.
    var name = "_D1a1fFiZ__T1b"
    for _ in 0..<60 { name += "THQbQc" }
    name += "ZQaFZv"
    #expect(DName.demangle(name) == nil)
    #expect(DName.demangle("_D1a1fF" + String(repeating: "A", count: 100_000) + "iZv") == nil)
    #expect(DName.demangle("_D" + String(repeating: "1a", count: 100_000) + "Z") == nil)
    #expect(DName.demangle("_D1f" + String(repeating: "FZ", count: 50_000)) == nil)
  }
}
