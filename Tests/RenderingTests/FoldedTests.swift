import ProfileModel
import Rendering
import Testing

@Suite struct FoldedTests {
  @Test func `waits fold to whole microseconds`() {
    let text = Folded.render(Sample.waits, measure: .microseconds)
    #expect(text.contains("bench;_start;main;burn;[preempted] 12000\n"))
  }

  @Test func `the sample profile folds to the golden text`() throws {
    try expectGolden(Folded.render(Sample.profile), "sample.folded")
  }

  @Test func `threads stand below their process when asked for`() throws {
    try expectGolden(Folded.render(Sample.profile, root: .thread), "sample-threads.folded")
  }

  @Test func `four named threads get a root each`() {
    var builder = ProfileBuilder()
    for (id, name) in ["one", "two", "three", "four"].enumerated() {
      builder.add(["main", "work"], count: UInt64(id + 1), thread: .named("app", thread: name, id: Int32(id)))
    }
    #expect(
      Folded.render(builder.profile, root: .thread)
        == "app;four;main;work 4\napp;one;main;work 1\napp;three;main;work 3\napp;two;main;work 2\n")
    #expect(Folded.render(builder.profile) == "app;main;work 10\n")
  }

  @Test func `threads of one name within a process merge`() {
    var builder = ProfileBuilder()
    builder.add(["f"], count: 1, thread: .named("app", thread: "pool", id: 1))
    builder.add(["f"], count: 2, thread: .named("app", thread: "pool", id: 2))
    #expect(Folded.render(builder.profile, root: .thread) == "app;pool;f 3\n")
  }

  @Test func `lines that read the same are one`() {
    var builder = ProfileBuilder()
    let modules = [builder.module("/lib/a.so"), builder.module("/lib/b.so")]
    builder.add([Frame(function: "f", module: modules[0], address: 1)], count: 1)
    builder.add([Frame(function: "f", module: modules[0], address: 2)], count: 2)
    builder.add([Frame(function: "f", module: modules[1], address: 1)], count: 4)
    builder.add([Frame(function: "a;b")], count: 8)
    builder.add([Frame(function: "a\u{FF1B}b")], count: 16)
    #expect(Folded.render(builder.profile) == "bench;a\u{FF1B}b 24\nbench;f 7\n")
  }

  @Test func `processes whose names read the same share their lines`() {
    var builder = ProfileBuilder()
    builder.add(["f"], count: 1, thread: .named("a\nb", id: 1))
    builder.add(["f"], count: 2, thread: .named("a\u{FFFD}b", id: 2))
    #expect(Folded.render(builder.profile) == "a\u{FFFD}b;f 3\n")
  }

  @Test(arguments: [
    ("<[u8; 8]>::len", "<[u8\u{FF1B} 8]>::len"), ("a\nb", "a\u{FFFD}b"), ("a\r\nb", "a\u{FFFD}\u{FFFD}b"),
    ("\u{0}\u{1B}\u{7F}\u{85}", "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"), ("f 12", "f 12"), ("f<&>\"'\\", "f<&>\"'\\"),
    ("\u{202E}ün\u{308}ï\u{1F525}", "\u{202E}ün\u{308}ï\u{1F525}"),
  ])
  func `names change in nothing but what the format cannot hold`(name: String, written: String) {
    var builder = ProfileBuilder()
    builder.add([name], count: 1)
    #expect(Folded.render(builder.profile) == "bench;\(written) 1\n")
  }

  @Test func `time can be weighed instead of samples`() {
    var builder = ProfileBuilder()
    builder.add(["f"], count: 3)
    #expect(Folded.render(builder.profile, measure: .nanoseconds) == "bench;f \(3 * ProfileBuilder.period)\n")
  }

  @Test func `an empty profile folds to nothing`() {
    #expect(Folded.render(Profile()).isEmpty)
  }

  @Test func `a stack of 100,000 frames folds`() {
    var builder = ProfileBuilder()
    builder.add([String](repeating: "f", count: 100_000), count: 1)
    #expect(Folded.render(builder.profile).utf8.count == "bench".count + 2 * 100_000 + " 1\n".count)
  }

  @Test(arguments: [false, true])
  func `counts add up to the profile's total, in sorted and distinct lines`(perThread: Bool) throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      let profile = Sample.randomProfile(using: &generator)
      let text = Folded.render(profile, root: perThread ? .thread : .process)
      let lines = text.split(separator: "\n").map { Array($0.utf8) }
      let isSorted = zip(lines, lines.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }
      #expect(isSorted, "\(text)")
      var stacks: Set<[UInt8]> = []
      var sum: UInt64 = 0
      for line in lines {
        let space = try #require(line.lastIndex(of: UInt8(ascii: " ")))
        #expect(stacks.insert(Array(line[..<space])).inserted)
        sum += try #require(UInt64(String(decoding: line[(space + 1)...], as: UTF8.self)))
      }
      #expect(sum == profile.total.count)
    }
  }
}
