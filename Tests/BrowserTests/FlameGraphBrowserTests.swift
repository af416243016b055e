import Foundation
import ProfileModel
import Rendering
import Testing

/// The flame graph as an SVG file, opened by itself and in pages.
@Suite(.serialized) struct FlameGraphBrowserTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  /// 1,000 samples: `hot` has 600, `cold` 399, and `rare`, below the cut of a graph of 0.5 %, one.
  private func profile(names: (String, String, String) = ("hot", "cold", "rare")) -> Profile {
    var stacks = StackTreeBuilder()
    var profile = Profile(
      modules: [Module(path: "/usr/bin/bench")],
      threads: [
        ProfiledThread(
          process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: "bench", name: "bench")
      ])
    func frame(_ name: String) -> Int {
      profile.frames.append(
        Frame(function: name, module: 0, source: SourceLocation(file: "/src/bench.c", line: profile.frames.count)))
      return profile.frames.count - 1
    }
    let (main, hot, cold, rare) = (frame("main"), frame(names.0), frame(names.1), frame(names.2))
    for (path, count) in [
      ([main, hot], 400), ([main, hot, hot], 200), ([main, cold], 399), ([main, cold, rare], 1),
    ] {
      profile.values.append(
        Profile.Value(
          thread: 0, stack: stacks.insert(path) ?? -1, weight: Weight(count: UInt64(count), nanoseconds: 0)))
    }
    profile.stacks = stacks.tree
    return profile
  }

  private func graph(_ profile: Profile, title: String = "bench", minimumPerMille: UInt64 = 5) -> String {
    SVG.render(profile, title: title, subtitle: title, minimumPerMille: minimumPerMille)
  }

  /// Ends when the script has read its data.
  private let isReady = """
    new Promise((resolve) => {
      const look = () => document.documentElement.classList.contains("on") ? resolve("on") : setTimeout(look, 5);
      look();
    })
    """
  private let shownNames = """
    Array.from(document.querySelectorAll(".frames text")).map((text) => text.textContent).join(" ")
    """

  @Test func `zoom, search, keys and the address work`() throws {
    let url = try folder.page(graph(profile()), "graph.svg")
    let steps: [Browser.Step] = [
      .evaluate(isReady), .evaluate(shownNames),
      // Zoom into cold, of which rare has a quarter of a percent.
      .click(".frames>g:nth-child(4)"), .evaluate(shownNames), .evaluate("location.hash"),
      .evaluate("document.querySelectorAll('.frames>path:not(.match)').length"),
      .click(".reset"), .evaluate("location.hash"), .evaluate(shownNames),
      .answer("^hot$"), .click(".search"), .evaluate("document.querySelector('.matched').textContent"),
      .evaluate("document.querySelectorAll('.match').length"), .evaluate("location.hash"),
      .key("n"), .evaluate("document.activeElement.querySelector('text').textContent"),
      .key("ArrowDown"), .evaluate("document.activeElement.querySelector('text').textContent"),
      .key("ArrowUp"), .key("Enter"), .evaluate("location.hash"), .key("Escape"), .evaluate("location.hash"),
      .evaluate("document.querySelector('.details').textContent"),
    ]
    let visit = try #require(Browser.visit([Browser.Page(url: url, steps: steps)]).first)

    #expect(visit.problems == [])
    #expect(visit.text(0) == "on")
    #expect(visit.text(1) == "all bench main cold hot hot")
    #expect(visit.text(3) == "all bench main cold")
    #expect(visit.text(4) == "#zoom=3")
    // rare is three pixels wide there: it is drawn, without room for its name.
    #expect(visit.number(5) == 1)
    #expect(visit.text(7) == "")
    #expect(visit.text(8) == "all bench main cold hot hot")
    // The inner hot lies within the outer one.
    #expect(visit.text(11) == "Matched: 60.00 %")
    #expect(visit.number(12) == 2)
    #expect(visit.text(13) == "#search=%5Ehot%24")
    #expect(visit.text(15) == "hot")
    #expect(visit.text(17) == "main")
    #expect(visit.text(20) == "#zoom=5&search=%5Ehot%24")
    #expect(visit.text(22) == "")
    #expect(
      visit.text(23)?.contains("hot, 600 samples, 60.00 %, self 40.00 %, bench, bench.c:1") == true,
      "\(visit.text(23) ?? "")")
  }

  @Test(arguments: [false, true])
  func `a frame without room for its name is found by pointer, search and keys`(isInverted: Bool) throws {
    let text = SVG.render(
      profile(), title: "bench", subtitle: "bench", isInverted: isInverted, minimumPerMille: 5)
    let url = try folder.page(text, "graph.svg")
    let point = """
      (() => {
        const box = document.querySelector(".frames>path").getBoundingClientRect();
        const place = { bubbles: true, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
        document.documentElement.dispatchEvent(new MouseEvent("mousemove", place));
      })()
      """
    let details = "document.querySelector('.details').textContent"
    let visit = try #require(
      Browser.visit([
        Browser.Page(
          url: url + "#zoom=3",
          steps: [
            .evaluate(isReady), .answer("^rare$"), .click(".search"),
            .evaluate("document.querySelector('path.match').getAttribute('d').split('M').length - 1"),
            .evaluate("document.querySelectorAll('.frames>rect').length"),
            .evaluate(point), .evaluate(details), .evaluate("document.querySelector('.frames>rect>title').textContent"),
            .key("n"), .evaluate("document.activeElement.getAttribute('class').slice(2)"),
            .key(isInverted ? "ArrowUp" : "ArrowDown"), .evaluate(details),
            .key(isInverted ? "ArrowDown" : "ArrowUp"), .evaluate(details),
            .click(".search"), .evaluate("document.querySelectorAll('.match:not(path)').length"),
            .evaluate("document.querySelector('path.match').getAttribute('d')"),
            .click(".frames>path"), .evaluate("location.hash"),
          ])
      ]).first)

    #expect(visit.problems == [])
    #expect(visit.number(3) == 1)
    #expect(visit.number(4) == 0)
    #expect(visit.text(6)?.hasSuffix("self 0.10 %, bench, bench.c:3") == true, "\(visit.text(6) ?? "")")
    #expect(visit.text(7)?.hasPrefix("rare\n") == true)
    #expect(visit.text(9) == " match")
    #expect(visit.text(11)?.hasPrefix("cold, ") == true)
    #expect(visit.text(13)?.hasPrefix("rare, ") == true)
    #expect(visit.number(15) == 0)
    #expect(visit.text(16) == "")
    #expect(visit.text(18) == "#zoom=4")
  }

  @Test func `an address reproduces its view`() throws {
    let url = try folder.page(graph(profile()), "graph.svg")
    let visit = try #require(
      Browser.visit([
        Browser.Page(
          url: url + "#zoom=3&search=rare",
          steps: [
            .evaluate(isReady), .evaluate(shownNames), .evaluate("document.querySelector('.matched').textContent"),
          ])
      ]).first)

    #expect(visit.problems == [])
    #expect(visit.text(1) == "all bench main cold")
    #expect(visit.text(2) == "Matched: 0.10 %")
  }

  @Test func `hostile names do nothing`() throws {
    let names = [
      "]]>", "</script><script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "\u{1}\u{0}\u{FFFE}", "a;b",
      "\u{202E}gnirts", String(repeating: "x<", count: 2048), "</text></g></svg><script>alert(1)</script>",
      "`${alert(1)}`",
    ]
    let pages = try names.enumerated().map { index, name in
      let text = graph(profile(names: (name, name + "2", name + "3")), title: name)
      return Browser.Page(
        url: try folder.page(text, "hostile\(index).svg"),
        steps: [
          .evaluate(isReady), .evaluate("document.querySelectorAll('script, img').length"),
          .click(".frames>g:nth-child(4)"), .answer(name), .click(".search"),
          .evaluate("document.querySelector('.matched').textContent"),
        ])
    }
    for (name, visit) in zip(names, try Browser.visit(pages)) {
      #expect(visit.problems == [], "\(name)")
      #expect(visit.text(0) == "on", "\(name)")
      #expect(visit.number(1) == 1, "\(name)")
    }
  }

  @Test func `without scripts and in a page's image the picture is whole, in light and dark`() throws {
    let url = try folder.page(graph(profile()), "graph.svg")
    let image = try folder.page(
      "<!doctype html><meta charset=utf-8><body style='margin:0'><img src='graph.svg'>", "image.html")
    let shots = (0..<4).map { folder.path("shot\($0).png") }
    let visits = try Browser.visit([
      Browser.Page(url: url, isScriptDisabled: true, steps: [.screenshot(shots[0])]),
      Browser.Page(url: url, isScriptDisabled: true, isDark: true, steps: [.screenshot(shots[1])]),
      Browser.Page(url: image, steps: [.screenshot(shots[2])]),
      Browser.Page(url: image, isDark: true, steps: [.screenshot(shots[3])]),
    ])

    #expect(visits.prefix(2).allSatisfy { $0.problems.isEmpty })
    let bytes = try shots.map { try Data(contentsOf: URL(filePath: $0)) }
    // In an image the picture is the same as by itself, and dark where the page is.
    #expect(bytes[0] != bytes[1])
    #expect(bytes[2] != bytes[3])
  }
}
