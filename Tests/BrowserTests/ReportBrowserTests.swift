import Foundation
import ProfileModel
import Testing

@testable import Rendering

/// The page of a task, opened from a file.
@Suite(.serialized) struct ReportBrowserTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  /// Two threads: one has `hot` 600 times in the first second, the other `cold` 400 times in the second one.
  private func profile(_ hot: String = "hot") -> Profile {
    var stacks = StackTreeBuilder()
    func thread(_ id: Int32, _ name: String) -> ProfiledThread {
      ProfiledThread(process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: id), processName: "bench", name: name)
    }
    var profile = Profile(
      modules: [Module(path: "/usr/bin/bench")],
      frames: [
        Frame(function: "main", module: 0), Frame(function: hot, module: 0), Frame(function: "cold", module: 0),
      ],
      threads: [thread(1, "first"), thread(2, "second")])
    for (thread, path, count) in [(0, [0, 1], 400), (0, [0, 1, 1], 200), (1, [0, 2], 400)] as [(Int, [Int], UInt64)] {
      profile.values.append(
        Profile.Value(
          thread: thread, stack: stacks.insert(path) ?? -1, weight: Weight(count: count, nanoseconds: count * 1_000_000)
        ))
    }
    profile.stacks = stacks.tree
    profile.timeline = Timeline(
      slotNanoseconds: 1_000_000_000,
      entries: [
        .init(slot: 0, value: 0, count: 400), .init(slot: 0, value: 1, count: 200),
        .init(slot: 1, value: 2, count: 400),
      ])
    return profile
  }

  private func page(_ profile: Profile, isOffCPU: Bool = false, title: String = "bench") -> String {
    HTMLReport.render(
      HTMLReport.Subject(
        title: title, task: nil, unit: isOffCPU ? "waits" : "samples", isOffCPU: isOffCPU, hasThreads: true),
      profile, measure: isOffCPU ? .microseconds : .count)
  }

  private let rows =
    "Array.from(document.querySelectorAll('#rows tr')).map((row) => row.lastChild.textContent + ' ' + row.firstChild.textContent).join(', ')"
  private func text(_ id: String) -> String { "document.getElementById('\(id)').textContent" }

  @Test func `a label chooses the values that have it`() throws {
    var labeled = profile()
    let sets = [("GET <i>", "a"), ("GET <i>", "b")].map { request, span in
      LabelSet([Label(key: "request", value: request), Label(key: "span", value: span)])
    }
    labeled.values = zip(labeled.values, [sets[0], sets[1], .empty]).map { value, set in
      Profile.Value(
        thread: value.thread, stack: value.stack, labels: labeled.labels.number(of: set), weight: value.weight)
    }
    let url = try folder.page(page(labeled), "labels.html")
    func choose(_ number: Int) -> Browser.Step {
      .evaluate(
        "document.getElementById('label').value = '\(number)'; document.getElementById('label').onchange(); "
          + text("sum"))
    }
    let options = "Array.from(document.querySelectorAll('#label option')).map((one) => one.textContent).join(', ')"
    let steps = [.evaluate(options), choose(0), choose(1), choose(2), choose(-1)]
    let visit = try #require(Browser.visit([Browser.Page(url: url, steps: steps)]).first)

    #expect(visit.problems == [])
    #expect(visit.text(0) == "all labels, request = GET <i>, span = a, span = b")
    #expect((1...4).map(visit.text) == ["600 samples", "400 samples", "200 samples", "1,000 samples"])
  }

  @Test func `a page without labels has no choice of them`() throws {
    #expect(!page(profile()).contains("id=\"label\""))
  }

  @Test func `table, modes, search, threads and spans work`() throws {
    let url = try folder.page(page(profile()), "report.html")
    let steps: [Browser.Step] = [
      .evaluate(rows), .evaluate("document.querySelector('[data-sort=total]').click(); " + rows),
      .evaluate(
        "document.getElementById('search').value = '^hot$'; document.getElementById('search').dispatchEvent(new Event('input')); "
          + text("matched")),
      .evaluate(
        "document.getElementById('search').value = ''; document.getElementById('search').dispatchEvent(new Event('input')); "
          + rows),
      .evaluate("document.getElementById('thread').value = '1'; document.getElementById('thread').onchange(); " + rows),
      .evaluate(
        "document.getElementById('thread').value = '-1'; document.getElementById('thread').onchange(); " + text("sum")),
      .click("[data-mode=sandwich]"), .evaluate(text("legend-callers")),
      .evaluate("getComputedStyle(document.getElementById('callees')).display"),
      .click("[data-mode=reverse]"), .evaluate("document.getElementById('graph').getAttribute('aria-label')"),
      .evaluate(
        """
        (() => {
          // From the middle of the first slot to its end, in the strip of all threads.
          const strip = document.querySelector('#strips canvas'), box = strip.getBoundingClientRect();
          for (const [type, x] of [['mousedown', 0.1], ['mousemove', 0.3], ['mouseup', 0.45]])
            strip.dispatchEvent(new MouseEvent(type, { clientX: box.left + box.width * x, clientY: box.top + 5, buttons: 1, bubbles: true }));
          return document.getElementById('sum').textContent;
        })()
        """), .evaluate(rows), .evaluate(text("span")),
    ]
    let visit = try #require(Browser.visit([Browser.Page(url: url, steps: steps)]).first)

    #expect(visit.problems == [])
    #expect(visit.text(0) == "hot 60.00 %, cold 40.00 %, main 0.00 %")
    #expect(visit.text(1) == "main 0.00 %, hot 60.00 %, cold 40.00 %")
    #expect(visit.text(2) == "Matched: 60.00 %")
    #expect(visit.text(4) == "cold 100.00 %, main 0.00 %")
    #expect(visit.text(5) == "1,000 samples")
    #expect(visit.text(7) == "Callers of hot above, what it calls below")
    #expect(visit.text(8) == "block")
    #expect(visit.text(10) == "Flame graph, all: 1,000 samples")
    #expect(visit.text(11) == "600 samples in the chosen span")
    #expect(visit.text(12) == "hot 100.00 %, main 0.00 %")
    #expect(visit.text(13) == "0.0 s to 1.0 s; click to clear")
  }

  @Test func `waits are weighed by time or by their number`() throws {
    var waits = profile()
    waits.timeline = nil
    waits.values[2] = Profile.Value(
      thread: 1, stack: waits.values[2].stack, weight: Weight(count: 400, nanoseconds: 5_400_000_000))
    let url = try folder.page(page(waits, isOffCPU: true), "waits.html")
    let steps: [Browser.Step] = [
      .evaluate(rows),
      .evaluate(
        "document.getElementById('measure').value = 'count'; document.getElementById('measure').onchange(); " + rows),
      .evaluate("document.getElementById('times').textContent"),
    ]
    let visit = try #require(Browser.visit([Browser.Page(url: url, steps: steps)]).first)

    #expect(visit.problems == [])
    #expect(visit.text(0) == "cold 90.00 %, hot 10.00 %, main 0.00 %")
    #expect(visit.text(1) == "hot 60.00 %, cold 40.00 %, main 0.00 %")
    #expect(visit.text(2)?.contains("Only sums were recorded") == true)
  }

  @Test func `a click on the graph zooms, and resets`() throws {
    let url = try folder.page(page(profile()), "report.html")
    // From the root at the bottom: all, bench, main, and above it cold and hot, in the order of their names.
    let click = """
      (() => {
        const graph = document.getElementById('graph'), box = graph.getBoundingClientRect();
        const at = { clientX: box.left + box.width * 0.7, clientY: box.bottom - 18 * 3 - 5, bubbles: true };
        graph.dispatchEvent(new MouseEvent('mousemove', at));
        const tip = document.getElementById('tip').textContent;
        graph.dispatchEvent(new MouseEvent('click', at));
        return tip + '|' + graph.getAttribute('aria-label') + '|' + document.getElementById('reset').hidden;
      })()
      """
    let steps: [Browser.Step] = [
      .evaluate(click), .click("#reset"), .evaluate("document.getElementById('graph').getAttribute('aria-label')"),
    ]
    let visit = try #require(Browser.visit([Browser.Page(url: url, steps: steps)]).first)

    #expect(visit.problems == [])
    #expect(
      visit.text(0)
        == "hot\n600 samples, 60.00 %, 60.00 % of the frame below it, self 40.00 %\nbench|Flame graph, hot: 600 samples|false"
    )
    #expect(visit.text(2) == "Flame graph, all: 1,000 samples")
  }

  @Test func `keys go through the frames in the order of their places, zoom and reset`() throws {
    let url = try folder.page(page(profile()), "report.html")
    let label = "document.getElementById('graph').getAttribute('aria-label')"
    let steps: [Browser.Step] =
      [.evaluate("document.getElementById('graph').focus()")]
      + [String](repeating: "ArrowUp", count: 4).map(Browser.Step.key) + [
        .evaluate(text("details")), .key("ArrowRight"), .evaluate(text("details")), .key("Enter"), .evaluate(label),
        .key("Escape"), .evaluate(label),
      ]
    let visit = try #require(Browser.visit([Browser.Page(url: url, steps: steps)]).first)

    #expect(visit.problems == [])
    #expect(visit.text(5)?.hasPrefix("cold, 400 samples, 40.00 %, 40.00 % of the frame below it") == true)
    #expect(visit.text(7)?.hasPrefix("hot, 600 samples") == true)
    #expect(visit.text(9) == "Flame graph, hot: 600 samples")
    #expect(visit.text(11) == "Flame graph, all: 1,000 samples")
  }

  @Test func `without scripts the graph is a picture, and hostile names do nothing`() throws {
    let names = [
      "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "]]>", "<!--", "\"'`${alert(1)}",
      "\u{202E}x",
    ]
    let plain = try folder.page(page(profile()), "plain.html")
    let pages = try names.enumerated().map { index, name in
      Browser.Page(
        url: try folder.page(page(profile(name), title: name), "hostile\(index).html"),
        steps: [
          .evaluate("document.images.length + document.scripts.length"), .click("[data-mode=sandwich]"),
          .evaluate(rows),
        ])
    }
    let shots = [folder.path("still.png"), folder.path("dark.png")]
    let visits = try Browser.visit(
      pages + [
        Browser.Page(url: plain, isScriptDisabled: true, steps: [.screenshot(shots[0])]),
        Browser.Page(url: plain, isScriptDisabled: true, isDark: true, steps: [.screenshot(shots[1])]),
      ])

    for (name, visit) in zip(names, visits) {
      #expect(visit.problems == [], "\(name)")
      // The data and the script of the page.
      #expect(visit.number(0) == 2, "\(name)")
      #expect(visit.text(2)?.contains("60.00 %") == true, "\(name)")
    }
    #expect(visits.suffix(2).allSatisfy { $0.problems.isEmpty })
    #expect(try Data(contentsOf: URL(filePath: shots[0])) != Data(contentsOf: URL(filePath: shots[1])))
  }
}
