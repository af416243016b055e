import ProfileModel
import Rendering
import Testing

@Suite struct PerfScriptTests {
  private func blocks(_ text: String) -> [[Substring]] {
    text.split(separator: "\n\n").map { $0.split(separator: "\n") }
  }

  private func script(_ profile: Profile, kind: TaskKind? = .onCPU) -> String {
    PerfScript.render(profile, kind: kind, event: "cpu-clock", elapsedNanoseconds: 10_000_000_000)
  }

  @Test func `a sample is a line and its frames, the leaf first`() throws {
    var builder = ProfileBuilder()
    let app = builder.module("/opt/my app (1)/bin")
    let kernel = builder.module("[kernel]")
    builder.add(
      [
        Frame(function: "main", module: app, address: 0x1120),
        Frame(function: "square", module: app, address: 0x1120, isInlined: true),
        Frame(function: "jitted", address: 0x7000, origin: .jit),
        Frame(function: "vfs_read", module: kernel, address: 0xffff_ffff_8100_0010, origin: .kernel),
        Frame(function: "[blocked]", origin: .marker),
      ], count: 2, thread: .named("bench", thread: "worker 1", id: 101))
    let lines = blocks(script(builder.profile))
    #expect(lines.count == 2)
    #expect(
      lines[1] == [
        "worker_1  100/101 5.000000000: cpu-clock:",
        "\t               0 [blocked] ([unknown])",
        "\tffffffff81000010 vfs_read+0x0 ([kernel.kallsyms])",
        "\t            7000 jitted+0x0 (/tmp/perf-0.map)",
        "\t            1120 square (inlined)",
        "\t            1120 main+0x0 (/opt/my_app__1_/bin)",
      ])
  }

  @Test func `interpreted functions have their file as module, and on demand their line below`() throws {
    var builder = ProfileBuilder()
    let file = builder.module("/srv/my shop/app.py")
    builder.add(
      [
        Frame(
          function: "<module>", module: file, origin: .interpreted(.python),
          source: SourceLocation(file: "/srv/my shop/app.py", line: 40)),
        Frame(
          function: "Shop.price", module: file, origin: .interpreted(.python),
          source: SourceLocation(file: "/srv/my shop/app.py", line: 12)),
      ], count: 1)
    let frames = ["Shop.price", "<module>"].map { "\t               0 \($0)+0x0 (/srv/my_shop/app.py)" }
    #expect(blocks(script(builder.profile))[0].dropFirst() == frames.map { $0[...] }[...])
    let withLines = PerfScript.render(builder.profile, kind: .onCPU, event: "cpu-clock", withLines: true)
    #expect(
      blocks(withLines)[0].dropFirst() == [frames[0][...], "  app.py:12", frames[1][...], "  app.py:40"][...])
    // What stackcollapse-perf.pl and speedscope take for a frame: address, name and offset, file.
    for line in blocks(withLines)[0].dropFirst() {
      let isFrame = try line.firstMatch(of: Regex(#"^\s*(\w+)\s*(.+)\+0x0 \((\S*)\)$"#)) != nil
      #expect(isFrame == line.hasPrefix("\t"))
    }
  }

  @Test func `there is a block for each sample`() {
    #expect(blocks(script(Sample.profile)).count == 1000)
  }

  @Test func `samples lie in their slots of time, in order`() throws {
    var builder = ProfileBuilder()
    builder.add(["a"], count: 3)
    builder.add(["b"], count: 2)
    var profile = builder.profile
    profile.timeline = Timeline(
      slotNanoseconds: 1_000_000_000,
      entries: [
        .init(slot: 0, value: 1, count: 2), .init(slot: 4, value: 0, count: 2), .init(slot: 5, value: 0, count: 1),
      ])
    let heads = blocks(script(profile)).compactMap(\.first)
    #expect(
      heads
        == ["0.000000000", "0.500000000", "4.000000000", "4.500000000", "5.000000000"].map {
          "bench  100/100 \($0): cpu-clock:"
        })
  }

  @Test func `a stack of waits is one sample of its length`() {
    var builder = ProfileBuilder()
    builder.add([Frame(function: "wait")], count: 40, time: 1_500_000)
    let text = PerfScript.render(builder.profile, kind: .offCPU, event: "offcpu-time", elapsedNanoseconds: 1000)
    #expect(text.hasPrefix("bench  100/100 0.000000000: 1500000 offcpu-time:\n"))
    #expect(blocks(text).count == 1)
  }

  @Test func `of very many samples, equal ones are one`() {
    var builder = ProfileBuilder()
    builder.add(["a"], count: PerfScript.sampleLimit)
    builder.add(["b"], count: 1)
    let text = script(builder.profile)
    #expect(text.hasPrefix("# more than 1000000 samples"))
    #expect(text.contains(": 1000000 cpu-clock:"))
    #expect(blocks(text).count == 3)
  }

  @Test(arguments: ["a\nb 1/2 3.0: x:", "", "#comm", " 7", "x 100/100 1.0: 5 fake:", "\u{2028}\u{0}"])
  func `hostile names stay in their place`(name: String) throws {
    var builder = ProfileBuilder()
    let module = builder.module(name)
    builder.add([Frame(function: "f" + name, module: module, address: 1)], count: 1, thread: .named(name))
    let lines = script(builder.profile).split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 4)
    #expect(lines[0].firstMatch(of: /^[^\s#](.*?)\s+100\/100 0\.000000000: cpu-clock:$/) != nil)
    #expect(lines[0].firstMatch(of: /\s\d/)?.range.lowerBound == lines[0].firstRange(of: " 100/100 0.0")?.lowerBound)
    #expect(lines[1].hasPrefix("\t"))
    #expect(lines[1].hasSuffix(")"))
  }
}
