import Foundation
import ProfileModel
import Testing

@testable import Rendering

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct SVGTests {
  @Test func `the sample profile is drawn as in the golden file`() throws {
    try expectGolden(drawing(Sample.profile), "sample.svg")
  }

  @Test func `an empty profile is drawn as a picture that says so`() throws {
    try expectGolden(drawing(Profile()), "empty.svg")
    let text = SVG.render(Profile(), title: "t", subtitle: "s")
    #expect(isWellFormed(text))
    #expect(!text.contains("<script"))
  }

  @Test(arguments: [
    "\u{0}\u{1}\u{1B}[2J", "]]>", "</script><script>alert(1)</script>", "\"><rect/>'&amp;&", "\u{202E}evil\u{2066}",
    "\u{FFFE}\u{FFFF}\u{10FFFF}", "line\nbreak\ttab\r", "\u{85}\u{2028}", "日本語の関数", "👩‍👩‍👧",
    String(repeating: "<", count: 5000),
  ])
  func `a hostile name cannot break the document`(name: String) {
    var builder = ProfileBuilder()
    builder.add([name, "leaf"], count: 5, thread: .named(name))
    builder.add([name], count: 5, thread: .named(name))
    let text = SVG.render(builder.profile, title: name, subtitle: name, unit: name, root: .thread)
    let isWellFormed = isWellFormed(text)
    #expect(isWellFormed)
    let isEscaped = !text.contains("alert(1)</script>")
    #expect(isEscaped)
    let isVisible = !text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" }
    #expect(isVisible)
  }

  @Test func `a stack of 600 frames has a row for each, the root at the bottom`() {
    var builder = ProfileBuilder()
    builder.add((0..<600).map { "f\($0)" }, count: 1)
    let text = drawing(builder.profile)
    #expect(text.contains("<rect x=\"10\" y=\"70\" width=\"1180\" height=\"15\"/><text x=\"13\" y=\"82\">f599</text>"))
    #expect(text.contains("<rect x=\"10\" y=\"\(70 + 16 * 601)\" width=\"1180\" height=\"15\"/>"))
    #expect(text.contains("<title>all (1 sample, 100.00 %)</title>"))
  }

  @Test func `equal input gives equal bytes`() {
    let first = SVG.render(Sample.profile, title: "t", subtitle: "s")
    #expect((0..<5).allSatisfy { _ in SVG.render(Sample.profile, title: "t", subtitle: "s") == first })
  }

  @Test func `nothing outside the file is referred to`() {
    let text = SVG.render(Sample.profile, title: "t", subtitle: "s")
    let addresses = text.split(separator: "http").dropFirst()
    #expect(addresses.allSatisfy { $0.hasPrefix("://www.w3.org/2000/svg\"") })
    #expect(
      !text.contains(" href") && !text.contains("xlink") && !text.contains("url(") && !text.contains("@import")
        && !text.contains("DOCTYPE"))
  }

  @Test func `waits have colors of their own`() {
    #expect(FlameStyle.sheet(.offCPU) != FlameStyle.sheet(.onCPU))
    let text = SVG.render(
      Sample.waits, title: "t", subtitle: "s", unit: "microseconds", palette: .offCPU, measure: .microseconds)
    #expect(text.contains(FlameStyle.sheet(.offCPU)))
    #expect(text.contains("microseconds"))
  }

  @Test func `an inverted graph has its root on top, and the rest below`() throws {
    var builder = ProfileBuilder()
    builder.add(["main", "f"], count: 1)
    let text = SVG.render(builder.profile, title: "t", subtitle: "s", root: .none, isInverted: true)
    func top(_ name: String) throws -> Int {
      let box = try #require(text.split(separator: "\n").first { $0.contains("<title>\(name) (") })
      let attribute = try #require(box.split(separator: " ").first { $0.hasPrefix("y=") })
      return try #require(Int(attribute.dropFirst(3).dropLast()))
    }
    #expect(try top("all") < top("main"))
    #expect(try top("main") < top("f"))
    #expect(text.contains("UP = -1"))
  }

  @Test func `embedded text cannot end its section`() {
    #expect(!WebFile.graphScript("").contains("]]>"))
    #expect(!FlameStyle.sheet(.onCPU).contains("]]>"))
  }

  @Test func `a tooltip tells count, share, module and what is the function's own`() {
    let text = drawing(Sample.profile)
    #expect(text.contains("<title>memcpy (155 samples, 15.50 %)&#10;libc.so.6, self 6.00 %</title>"))
    #expect(text.contains("<title>square (412 samples, 41.20 %)&#10;bench, inlined</title>"))
  }

  @Test func `hidden frames are told of`() {
    var builder = ProfileBuilder()
    builder.add(["main"], count: 99_990)
    builder.add(["main", "rare", "rarer"], count: 10)
    #expect(drawing(builder.profile).contains("Frames below 0.1 % are not drawn, in 0.01 % of all samples"))
  }

  @Test func `a frame takes 150 bytes and not more`() {
    var builder = ProfileBuilder()
    for index in 0..<900 { builder.add(["main", "function_\(index)"], count: 100) }
    let text = drawing(builder.profile)
    #expect(text.utf8.count / 902 < 150, "\(text.utf8.count / 902)")
  }

  @Test func `boxes that touch in numbers touch in the picture`() throws {
    var builder = ProfileBuilder()
    for index in 100..<400 { builder.add(["f\(index)"], count: UInt64(1 + index % 7)) }
    let rectangles = drawing(builder.profile).matches(of: /<rect x="([\d.]+)" y="70" width="([\d.]+)"/)
    #expect(rectangles.count == 300 - 43)
    let pairs = try rectangles.map { (try #require(Double($0.output.1)), try #require(Double($0.output.2))) }
    #expect(pairs.allSatisfy { $0.1 > 0 && $0.0 >= 10 && $0.0 + $0.1 <= 1190.01 })
  }

  private func drawing(_ profile: Profile) -> String {
    let layout = FlameGraphLayout(CallTree(profile))
    let drawing = FlameDrawing(
      layout: layout, title: "bench & more", subtitle: "pid 100, 10s at 99 Hz", unit: "samples")
    return drawing.document(style: "", script: "")
  }

  private func isWellFormed(_ text: String) -> Bool { XMLParser(data: Data(text.utf8)).parse() }
}

@Suite struct FlameStyleTests {
  @Test(arguments: [FlamePalette.onCPU, .offCPU])
  func `in a page, every rule is of one graph, and the same as in a file`(palette: FlamePalette) {
    let scope = ".\(FlameStyle.styleClass(palette))"
    let (own, scoped) = (FlameStyle.sheet(palette), FlameStyle.pageSheet(palette))
    let selectors = scoped.split(separator: "\n").filter { !$0.hasPrefix("@") && $0 != "}" }
      .flatMap { $0.split(separator: "}") }.flatMap { $0.split(separator: "{")[0].split(separator: ",") }
    #expect(!selectors.isEmpty)
    #expect(selectors.allSatisfy { $0.contains(scope) })
    #expect(scoped.replacing("svg\(scope)", with: "svg").replacing("\(scope) ", with: "") == own)
  }
}
