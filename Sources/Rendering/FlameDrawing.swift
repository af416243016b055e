import ProfileModel

/// The elements of a flame graph. Lengths are in px; positions of boxes are rounded to tenths.
struct FlameDrawing {
  static let width = 1200
  /// The width of a character of a 12 px fixed-width font, rounded up from DejaVu Sans Mono's 0.602 em, the widest of
  /// the usual ones.
  static let cellWidth = 7.25
  private static let margin = 10
  private static let rowHeight = 16
  private static let headHeight = 70
  private static let footHeight = 30
  private static let innerTenths = UInt64(10 * (width - 2 * margin))

  let layout: FlameGraphLayout
  let title: String
  let subtitle: String
  let unit: String
  /// Whether the root is on top.
  var isInverted = false

  private var height: Int {
    Self.headHeight + max(1, layout.rowCount) * Self.rowHeight + Self.footHeight
  }

  /// The whole document; the tests leave style and script out.
  func document(style: String, script: String) -> String {
    let isEmpty = layout.boxes.isEmpty
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Self.width)\" height=\"\(height)\""
        + " viewBox=\"0 0 \(Self.width) \(height)\" role=\"img\" aria-label=\"\(XMLText.escaped(summary))\">",
      "<title>\(XMLText.escaped(title))</title>",
      "<desc>\(XMLText.escaped(description))</desc>",
    ]
    if !style.isEmpty { lines.append("<style><![CDATA[\n\(style)]]></style>") }
    lines += head
    lines += isEmpty ? [text("No samples", x: Self.margin, y: Self.headHeight + 12, styleClass: "quiet")] : frames
    if !isEmpty {
      lines.append(text("", x: Self.margin, y: height - 10, styleClass: "details"))
      if !script.isEmpty { lines.append("<script><![CDATA[\n\(script)]]></script>") }
    }
    lines.append("</svg>\n")
    return lines.joined(separator: "\n")
  }

  /// One sentence that stands for the picture.
  private var summary: String {
    guard let hottest = layout.hottest.first else { return "Flame graph of \(title): no samples" }
    return "Flame graph of \(title): \(count(layout.total)), hottest function \(hottest.label.name) with "
      + "\(percent(hottest.own)) of its own"
  }

  private var description: String {
    guard !layout.hottest.isEmpty else { return "No samples were taken." }
    let list = layout.hottest.map { "\($0.label.name) \(percent($0.own))" }
    return "Largest shares of their own: " + list.joined(separator: ", ")
  }

  /// What the picture leaves out; nil when it shows everything.
  private var hiddenNotice: String? {
    guard layout.hiddenWeight > 0 else { return nil }
    return
      "Frames below \(NumberText.tenths(layout.minimumPerMille)) % are not drawn, in \(percent(layout.hiddenWeight)) of all \(unit)"
  }

  private func percent(_ part: UInt64) -> String { "\(NumberText.percent(part, of: layout.total)) %" }

  private func count(_ number: UInt64) -> String {
    let noun = number == 1 && unit.hasSuffix("s") ? String(unit.dropLast()) : unit
    return "\(NumberText.grouped(number)) \(noun)"
  }

  private var head: [String] {
    let room = Int(Double(Self.width - 2 * Self.margin) / Self.cellWidth)
    // The title is set a third larger and leaves room for the buttons.
    let shownTitle = DisplayText.truncatedAtEnd(DisplayText.visible(title), to: (room - 60) * 3 / 4)
    let shownSubtitle = DisplayText.truncatedAtEnd(DisplayText.visible(subtitle), to: room)
    var lines = [
      text(shownTitle, x: Self.margin, y: 24, styleClass: "title"),
      text(shownSubtitle, x: Self.margin, y: 43, styleClass: "quiet"),
    ]
    if let hiddenNotice { lines.append(text(hiddenNotice, x: Self.margin, y: 60, styleClass: "quiet")) }
    guard !layout.boxes.isEmpty else { return lines }
    lines.append(button("Reset zoom", x: 870, styleClass: "reset off"))
    lines.append(text("", x: 970, y: 24, styleClass: "matched"))
    lines.append(button("Search", x: 1100, styleClass: "search"))
    return lines
  }

  private var frames: [String] {
    ["<g class=\"frames\">"] + layout.boxes.map(element) + ["</g>"]
  }

  private func text(_ content: String, x: Int, y: Int, styleClass: String) -> String {
    "<text x=\"\(x)\" y=\"\(y)\" class=\"\(styleClass)\">\(XMLText.escaped(content))</text>"
  }

  private func button(_ content: String, x: Int, styleClass: String) -> String {
    "<text x=\"\(x)\" y=\"24\" class=\"button \(styleClass)\" role=\"button\" tabindex=\"0\">\(content)</text>"
  }

  private func element(_ box: FlameGraphLayout.Box) -> String {
    let left = UInt64(10 * Self.margin) + tenths(box.start)
    // From edge to edge, so that neighbors meet whatever the rounding.
    let width = UInt64(10 * Self.margin) + tenths(box.start + box.total) - left
    let row = isInverted ? box.depth : layout.rowCount - 1 - box.depth
    let y = Self.headHeight + row * Self.rowHeight
    let name = DisplayText.visible(box.label.name)
    let room = Int((Double(width) / 10 - 6) / Self.cellWidth)
    let label = room < 3 ? "" : DisplayText.truncatedAtEnd(name, to: room)
    let shownLabel =
      label.isEmpty
      ? "" : "<text x=\"\(NumberText.tenths(left + 30))\" y=\"\(y + 12)\">\(XMLText.escaped(label))</text>"
    return "<g class=\"\(FlameColor.styleClass(of: box.label))\"><title>"
      + XMLText.escaped("\(name) (\(count(box.total)), \(percent(box.total)))") + "\(place(of: box))</title>"
      + "<rect x=\"\(NumberText.tenths(left))\" y=\"\(y)\" width=\"\(NumberText.tenths(width))\""
      + " height=\"\(Self.rowHeight - 1)\"/>\(shownLabel)</g>"
  }

  /// The second line of a tooltip: what the box is, where its code lies, what it weighs on its own.
  private func place(of box: FlameGraphLayout.Box) -> String {
    var parts: [String] = []
    switch box.label.kind {
    case .all: break
    case .process: parts.append("process")
    case .thread: parts.append("thread")
    case .function(let origin, let isInlined):
      if let module = box.label.module { parts.append(XMLText.escaped(module)) }
      if origin == .jit, box.label.module == nil { parts.append("[jit]") }
      if origin == .kernel, box.label.module == nil { parts.append("[kernel]") }
      if isInlined { parts.append("inlined") }
      if box.own > 0, box.own != box.total { parts.append("self \(percent(box.own))") }
    }
    return parts.isEmpty ? "" : "&#10;" + parts.joined(separator: ", ")
  }

  private func tenths(_ position: UInt64) -> UInt64 {
    NumberText.scaled(position, of: layout.total, to: Self.innerTenths)
  }
}
