package import ProfileModel

/// A profile as one page: what came out, why it was recorded, of what, a flame graph to look into, a table, strips of
/// time, and what is missing.
///
/// The page asks for nothing from outside, and its policy lets nothing out. Names are text, whatever they hold. Equal
/// input gives equal bytes.
package enum HTMLReport {
  /// What the page is about, beside the profile.
  package struct Subject {
    package var title: String
    package var task: ProfilingTask?
    /// What is counted, in the plural.
    package var unit: String
    package var isOffCPU: Bool
    /// Whether threads and processes are known.
    package var hasThreads: Bool

    package init(title: String, task: ProfilingTask?, unit: String, isOffCPU: Bool, hasThreads: Bool) {
      self.title = title
      self.task = task
      self.unit = unit
      self.isOffCPU = isOffCPU
      self.hasThreads = hasThreads
    }
  }

  package static func render(_ subject: Subject, _ profile: Profile, measure: WeightMeasure) -> String {
    let style = FlameStyle.pageSheet(subject.isOffCPU ? .offCPU : .onCPU)
    let hasTimes = subject.isOffCPU
    let data = HTMLData(profile).json(
      unit: subject.unit, isOffCPU: subject.isOffCPU, hasTimes: hasTimes, hasThreads: subject.hasThreads)
    let unit = measure == .microseconds ? "microseconds" : subject.unit
    let verdict = TopReport.verdictSentence(subject.task, profile, measure: measure, unit: unit)
    let isEmpty = profile.values.isEmpty
    let body = [
      "<h1>\(HTML.text(verdict))</h1>",
      "<p class=\"quiet\">\(HTML.text(subject.title))</p>",
      subject.task.map { HTML.section("Why it ran", id: "why", TriggerReport.render($0.trigger)) } ?? "",
      subject.task.map { HTML.section("What was recorded", id: "card", card($0, profile)) } ?? "",
      isEmpty ? "<p>No \(HTML.text(subject.unit)) were recorded.</p>" : graph(subject, profile, measure, hasTimes),
      isEmpty ? "" : HTML.section("Functions", id: "functions", table),
      isEmpty ? "" : HTML.section("Over time", id: "times", times(profile)),
      waits(subject, profile),
      HTML.section("What is missing", id: "quality", quality(subject, profile)),
      "<div id=\"tip\" class=\"mono\" role=\"tooltip\"></div>",
    ].filter { !$0.isEmpty }.joined(separator: "\n")
    return HTMLDocument(
      title: subject.title, body: body, style: WebFile.pageStyle,
      // The picture for readers without scripts has a style of its own.
      innerStyles: isEmpty ? [] : [style], script: isEmpty ? nil : WebFile.pageScript,
      data: isEmpty ? nil : data
    ).text
  }

  private static func card(_ task: ProfilingTask, _ profile: Profile) -> String {
    let description = TaskDescription(task: task)
    var pairs = [
      ("target", task.target), ("kind", task.kind.rawValue), ("recorded", description.capture),
      ("started", TimeText.utc(task.startedAt)), ("duration", description.duration),
      (task.kind.unit, description.samples), ("host", "\(task.host), Linux \(task.kernel)"),
    ]
    let processes = Set(profile.threads.map { "\($0.processName) (\($0.process))" }).sorted()
    if !processes.isEmpty {
      let more = processes.count > 12 ? ", and \(processes.count - 12) more" : ""
      pairs.append(("processes", processes.prefix(12).joined(separator: ", ") + more))
      pairs.append(("threads", NumberText.grouped(UInt64(profile.threads.count))))
    }
    if let version = task.version { pairs.append(("swprof", version)) }
    if let note = task.note { pairs.append(("note", note)) }
    if task.id.rawValue > 0 { pairs.append(("task", "\(task.id)")) }
    let modules = hottestModules(profile)
    for (module, share) in modules {
      pairs.append(
        ("module", "\(module.path), \(share) % of its own\(module.buildID.map { ", build id \($0)" } ?? "")"))
    }
    return HTML.definitions(pairs)
  }

  /// The modules that most stacks end in, with their shares.
  private static func hottestModules(_ profile: Profile) -> [(Module, String)] {
    var own = [UInt64](repeating: 0, count: profile.modules.count)
    for value in profile.values {
      let frame = profile.frames[Int(profile.stacks.nodes[Int(value.stack)].frame)]
      if let module = frame.module { own[module] += value.weight.count }
    }
    let ranked = own.indices.filter { own[$0] > 0 }.sorted { own[$0] != own[$1] ? own[$0] > own[$1] : $0 < $1 }
    return ranked.prefix(4).map {
      (profile.modules[$0], NumberText.percent(own[$0], of: profile.total.count, decimals: 1))
    }
  }

  private static func graph(
    _ subject: Subject, _ profile: Profile, _ measure: WeightMeasure, _ hasTimes: Bool
  ) -> String {
    let kinds = Set(profile.frames.map { FlameColor(.function($0.origin, isInlined: $0.isInlined)) })
    let legend = FlameColor.allCases.filter(kinds.contains).compactMap { kind in
      kind.name.map { "<span><canvas data-style=\"\(kind.rawValue)3\"></canvas>\($0)</span>" }
    }
    let modes = [
      ("flame", "Flame"), ("icicle", "Icicle"), ("reverse", "From the leaves"), ("sandwich", "Callers and callees"),
    ].map { "<button data-mode=\"\($0.0)\" aria-pressed=\"false\">\($0.1)</button>" }
    let measures =
      hasTimes
      ? "<select id=\"measure\" aria-label=\"weighed by\"><option value=\"time\">by time</option><option"
        + " value=\"count\">by number of \(HTML.text(subject.unit))</option></select>" : ""
    let threads = subject.hasThreads ? "<select id=\"thread\" aria-label=\"thread\"></select>" : ""
    let labels = profile.labels.isEmpty ? "" : "<select id=\"label\" aria-label=\"label\"></select>"
    let still = SVG.still(
      profile, title: subject.title, unit: measure == .microseconds ? "microseconds" : subject.unit,
      palette: subject.isOffCPU ? .offCPU : .onCPU, root: subject.hasThreads ? .process : .none, measure: measure)
    return """
      <section id="flame">
      <h2>Flame graph</h2>
      <div data-scripted hidden>
      <div class="bar">\(modes.joined())\(measures)\(threads)\(labels)<input type="search" id="search" placeholder="Search functions (regular expression)" aria-label="search"><span id="matched"></span><button id="reset" hidden>Reset zoom</button><span id="sum" class="quiet"></span></div>
      <div class="legend">\(legend.joined())</div>
      <div id="legend-callers" class="quiet"></div>
      <div><canvas id="graph" tabindex="0" role="img"></canvas><canvas id="callees" tabindex="0" role="img"></canvas></div>
      <div id="details" class="mono quiet"></div>
      </div>
      <noscript>\(still)</noscript>
      </section>
      """
  }

  private static let table = """
    <div class="scroll" data-scripted hidden><table>
    <thead><tr><th><button data-sort="own">self</button></th><th></th><th><button data-sort="total">total</button></th><th></th><th>module</th><th><button data-sort="name">function</button></th></tr></thead>
    <tbody id="rows"></tbody>
    </table></div>
    <p id="more" class="quiet"></p>
    <noscript><p>The table is made by a script; <code>swprof report --top</code> prints it.</p></noscript>
    """

  private static func times(_ profile: Profile) -> String {
    guard let timeline = profile.timeline, !timeline.entries.isEmpty else {
      return "<p>Only sums were recorded, no times.</p>"
    }
    return
      "<p class=\"quiet\">A bar for each \(TimeText.duration(nanoseconds: timeline.slotNanoseconds)). Drag over a span"
      + " to see it alone. <span id=\"span\"></span></p>\n<div id=\"strips\" class=\"strip\"></div>"
  }

  /// What threads waited in, by its kind.
  private static func waits(_ subject: Subject, _ profile: Profile) -> String {
    guard subject.isOffCPU, profile.total.nanoseconds > 0 else { return "" }
    let sites = WaitSites(profile, elapsedNanoseconds: subject.task?.elapsedNanoseconds)
    var reasons: [String: Weight] = [:]
    for site in sites.all { reasons[site.waitsIn, default: .zero] += site.weight }
    let ranked = reasons.sorted {
      $0.value.nanoseconds != $1.value.nanoseconds ? $0.value.nanoseconds > $1.value.nanoseconds : $0.key < $1.key
    }
    let rows = ranked.prefix(12).map { reason, weight in
      (
        "\(NumberText.percent(weight.nanoseconds, of: profile.total.nanoseconds, decimals: 1)) %",
        "\(reason): \(TimeText.duration(nanoseconds: weight.nanoseconds)), \(NumberText.grouped(weight.count)) times"
      )
    }
    return HTML.section("What threads waited in", id: "waits", HTML.definitions(rows))
  }

  private static func quality(_ subject: Subject, _ profile: Profile) -> String {
    var items: [String] = []
    if let task = subject.task {
      let description = TaskDescription(task: task)
      items.append("\(task.kind.unit): \(description.samples)")
      items += description.losses.map { "lost: \($0)" }
      items += description.defects.map { "defect: \($0)" }
      items += description.leftOut.map { "left out: \($0)" }
      items += [description.imbalance].compactMap { $0 }
      items += task.warnings
    }
    let totals = FunctionTotals(profile)
    // Of another program's stacks, nobody knows where their roots are.
    if subject.task != nil, totals.userStacks > 0 {
      let share = NumberText.percent(totals.completeUserStacks, of: totals.userStacks, decimals: 1)
      items.append("\(share) % of the stacks with a user part reach their root")
    }
    items += unresolved(profile, isOurs: subject.task != nil)
    return items.isEmpty ? "<p>Nothing is known to be missing.</p>" : HTML.list(items)
  }

  /// The modules with frames that have no name, and what would name them.
  private static func unresolved(_ profile: Profile, isOurs: Bool) -> [String] {
    let advice =
      isOurs ? "; 'swprof doctor --pid' tells which package names them, JIT code wants a perf-map" : ""
    var weights: [String: UInt64] = [:]
    for value in profile.values {
      let modules = profile.stacks.path(to: value.stack).map { profile.frames[$0] }.filter { $0.origin == .unresolved }
        .map { profile.moduleName(of: $0).map(String.init) ?? "code of no file" }
      for module in Set(modules) { weights[module, default: 0] += value.weight.count }
    }
    let ranked = weights.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
    let more = ranked.count > 10 ? ["and \(ranked.count - 10) more modules with unnamed frames"] : []
    return ranked.prefix(10).map { module, weight in
      "unnamed frames of \(module) in \(NumberText.percent(weight, of: profile.total.count, decimals: 1)) % of all\(advice)"
    } + more
  }
}
