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
  /// Where the code of a label lies, as a tooltip tells it: `main.c:12`.
  var places: [FrameLabel: String] = [:]
  /// Below this many millionths of the total, a script draws nothing either; nil where there is no script.
  var floorPerMillion: UInt64?

  /// The class of a document that stands in a page, where styles are plain text; nil for a file.
  var pageClass: String?

  /// Narrower boxes have a tooltip from the script only: a pointer hardly finds them, and they are the most.
  private static let titleTenths: UInt64 = 60

  private var height: Int {
    Self.headHeight + max(1, layout.rowCount) * Self.rowHeight + Self.footHeight
  }

  /// The whole document; the tests leave style and script out.
  func document(style: String, script: String) -> String {
    let isEmpty = layout.boxes.isEmpty
    let styleClass = pageClass.map { " class=\"\($0)\"" } ?? ""
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Self.width)\" height=\"\(height)\"\(styleClass)"
        + " viewBox=\"0 0 \(Self.width) \(height)\" role=\"img\" aria-label=\"\(XMLText.escaped(summary))\">",
      "<title>\(XMLText.escaped(title))</title>",
      "<desc>\(XMLText.escaped(description))</desc>",
    ]
    if !style.isEmpty {
      lines.append(pageClass != nil ? "<style>\(style)</style>" : "<style><![CDATA[\n\(style)]]></style>")
    }
    lines += head
    lines += isEmpty ? [text("No samples", x: Self.margin, y: Self.headHeight + 12, styleClass: "quiet")] : frames
    if !isEmpty {
      lines.append(
        "<g class=\"foot\">" + text("", x: Self.margin, y: height - 10, styleClass: "details") + "</g>")
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

  /// The lengths that the script needs.
  var constants: String {
    let rows = max(1, layout.rowCount)
    let top = Self.headHeight
    return "const CELL = \(Self.cellWidth), UP = \(isInverted ? -1 : 1), ROW = \(Self.rowHeight), ROWS = \(rows),"
      + " TOP = \(top), BASE = \(top + (rows - 1) * Self.rowHeight), LEFT = \(Self.margin),"
      + " INNER = \(Self.width - 2 * Self.margin);\n"
  }

  /// What the picture leaves out; nil when it shows everything.
  private var hiddenNotice: String? {
    guard layout.hiddenWeight > 0 else { return nil }
    let cut = NumberText.tenths(layout.minimumPerMille)
    let share = "in \(percent(layout.hiddenWeight)) of all \(unit)"
    guard let floorPerMillion, floorPerMillion < layout.minimumPerMille * 1000 else {
      return "Frames below \(cut) % are not drawn, \(share)"
    }
    let floor = "0." + String(10_000 + floorPerMillion).dropFirst().prefix(4).trimmedZeros
    return "Frames below \(cut) %, \(share), are drawn where zoomed in; below \(floor) % never"
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
      "<g class=\"head\">",
      text(shownTitle, x: Self.margin, y: 24, styleClass: "title"),
      text(shownSubtitle, x: Self.margin, y: 43, styleClass: "quiet"),
    ]
    if let hiddenNotice { lines.append(text(hiddenNotice, x: Self.margin, y: 60, styleClass: "quiet")) }
    guard !layout.boxes.isEmpty else { return lines + ["</g>"] }
    lines += legend
    lines.append(button("Reset zoom", x: 870, styleClass: "reset off"))
    lines.append(text("", x: 970, y: 24, styleClass: "matched"))
    lines.append(button("Search", x: 1100, styleClass: "search"))
    return lines + ["</g>"]
  }

  /// The kinds of frames that occur, with their colors, from the right edge to the left.
  private var legend: [String] {
    let kinds = Set(layout.boxes.map { FlameColor($0.label.kind) })
    var x = Self.width - Self.margin
    var lines: [String] = []
    for kind in FlameColor.allCases.reversed() where kinds.contains(kind) {
      guard let name = kind.name else { continue }
      x -= Int((Double(name.count) * Self.cellWidth).rounded(.up))
      lines.append(text(name, x: x, y: 60, styleClass: "quiet"))
      x -= 15
      lines.append("<rect class=\"\(kind.rawValue)3\" x=\"\(x)\" y=\"50\" width=\"11\" height=\"11\"/>")
      x -= 12
    }
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
    let tooltip = tooltip(of: box, name: name, width: width)
    let style = "class=\"\(FlameColor.styleClass(of: box.label))\""
    // Most boxes have neither a tooltip nor room for a name, and are one element.
    if tooltip.isEmpty, shownLabel.isEmpty {
      return "<rect x=\"\(NumberText.tenths(left))\" y=\"\(y)\" width=\"\(NumberText.tenths(width))\""
        + " height=\"\(Self.rowHeight - 1)\" \(style)/>"
    }
    return "<g \(style)>\(tooltip)"
      + "<rect x=\"\(NumberText.tenths(left))\" y=\"\(y)\" width=\"\(NumberText.tenths(width))\""
      + " height=\"\(Self.rowHeight - 1)\"/>\(shownLabel)</g>"
  }

  private func tooltip(of box: FlameGraphLayout.Box, name: String, width: UInt64) -> String {
    guard width >= Self.titleTenths else { return "" }
    return "<title>" + XMLText.escaped("\(name) (\(count(box.total)), \(percent(box.total)))")
      + "\(place(of: box))</title>"
  }

  /// The second line of a tooltip: what the box is, where its code lies, what it weighs on its own.
  private func place(of box: FlameGraphLayout.Box) -> String {
    var parts: [String] = []
    switch box.label.kind {
    case .all: break
    case .change: parts.append(XMLText.escaped(box.label.module ?? ""))
    case .process: parts.append("process")
    case .thread: parts.append("thread")
    case .function(let origin, let isInlined):
      if let module = box.label.module { parts.append(XMLText.escaped(module)) }
      if origin == .jit, box.label.module == nil { parts.append("[jit]") }
      if origin == .kernel, box.label.module == nil { parts.append("[kernel]") }
      if let place = places[box.label] { parts.append(XMLText.escaped(place)) }
      if isInlined { parts.append("inlined") }
      if box.own > 0, box.own != box.total { parts.append("self \(percent(box.own))") }
    }
    return parts.isEmpty ? "" : "&#10;" + parts.joined(separator: ", ")
  }

  private func tenths(_ position: UInt64) -> UInt64 {
    NumberText.scaled(position, of: layout.total, to: Self.innerTenths)
  }
}

extension Substring {
  /// Digits behind a point without needless zeros.
  fileprivate var trimmedZeros: Substring {
    var digits = self
    while digits.count > 1, digits.last == "0" { digits.removeLast() }
    return digits
  }
}
