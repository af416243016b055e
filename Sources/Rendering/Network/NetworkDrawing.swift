import ProfileModel

/// The elements of a network map. Lengths are in px, rounded to tenths.
struct NetworkDrawing {
  private let graph: NetworkGraph
  private let title: String
  private let summary: String
  private let source: String
  private let elapsedNanoseconds: UInt64?
  private let boxes: [BoxText]
  private let labels: [[String]]
  private let layout: NetworkLayout

  private static let margin = 14.0
  private static let headHeight = 74.0
  private static let footHeight = 30.0
  private static let leastWidth = 760.0
  /// The widths of a character of 12, and of 11 px.
  private static let cellWidth = FlameDrawing.cellWidth
  private static let smallCellWidth = FlameDrawing.cellWidth * 11 / 12
  private static let lineHeight = 14.0
  private static let nameCells = 26
  private static let labelCells = 44
  private static let boldStretch = 1.02
  private static let tooltipCells = 200

  init(
    graph: NetworkGraph, title: String, summary: String, source: String, elapsedNanoseconds: UInt64?
  ) {
    self.graph = graph
    self.title = title
    self.summary = summary
    self.source = source
    self.elapsedNanoseconds = elapsedNanoseconds
    boxes = graph.nodes.map(BoxText.init)
    labels = graph.edges.map {
      NetworkLabel.lines(of: NetworkEdgeFigures($0), elapsedNanoseconds: elapsedNanoseconds).map {
        DisplayText.truncatedInMiddle(DisplayText.visible($0), to: Self.labelCells)
      }
    }
    var degrees = [Int](repeating: 0, count: graph.nodes.count)
    for edge in graph.edges {
      degrees[edge.client] += 1
      degrees[edge.server] += 1
    }
    layout = NetworkLayout(
      boxes: zip(boxes, degrees).map(Self.size),
      links: zip(graph.edges, labels).map { edge, lines in
        NetworkLayout.Link(client: edge.client, server: edge.server, label: Self.size(lines))
      })
  }

  private static func size(_ text: BoxText, degree: Int) -> NetworkLayout.Size {
    let cells = max(
      Double(DisplayText.width(text.shownName)) * cellWidth * boldStretch,
      Double(DisplayText.width(text.shownDetail)) * smallCellWidth)
    // A box with many lines is higher, so that they can be told apart.
    return NetworkLayout.Size(width: cells + 20, height: max(42, min(300, 8 * Double(degree + 1))))
  }

  private static func size(_ lines: [String]) -> NetworkLayout.Size {
    let cells = lines.map { DisplayText.width($0) }.max() ?? 0
    return NetworkLayout.Size(
      width: Double(cells) * smallCellWidth * boldStretch + 12, height: Double(lines.count) * lineHeight + 6)
  }

  // MARK: - Document

  private var width: Double { max(Self.leastWidth, layout.width + 2 * Self.margin) }
  private var height: Double { Self.headHeight + max(40, layout.height) + Self.footHeight }
  /// A map that is narrower than the picture stands in its middle.
  private var left: Double { (width - layout.width) / 2 }

  /// - Parameter style: an element, or nothing.
  func document(style: String) -> String {
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"network\" width=\"\(number(width))\""
        + " height=\"\(number(height))\" viewBox=\"0 0 \(number(width)) \(number(height))\" role=\"img\""
        + " aria-label=\"\(XMLText.escaped(summary))\">",
      "<title>\(XMLText.escaped(title))</title>",
    ]
    if !style.isEmpty { lines.append(style) }
    lines += head
    if graph.nodes.isEmpty {
      lines.append(text("No connections", x: Self.margin, y: Self.headHeight + 16, styleClass: "quiet"))
    }
    lines += ["<g transform=\"translate(\(number(left)) \(number(Self.headHeight)))\">"]
    lines += graph.edges.indices.flatMap(edge) + graph.nodes.indices.flatMap(node) + ["</g>"]
    lines.append(
      text(
        "Arrows lead from client to server, thicker for more bytes. Red: errors, failed connects or resets.",
        x: Self.margin, y: height - 10, styleClass: "quiet small"))
    return (lines + ["</svg>", ""]).joined(separator: "\n")
  }

  private var head: [String] {
    let room = width - 2 * Self.margin
    var lines = [
      text(cut(title, room, Self.cellWidth * 4 / 3), x: Self.margin, y: 24, styleClass: "title"),
      text(cut(summary, room, Self.cellWidth), x: Self.margin, y: 43, styleClass: ""),
    ]
    let notices = [folding, "source: \(source)"].compactMap { $0 }.joined(separator: "; ")
    lines.append(text(cut(notices, room, Self.smallCellWidth), x: Self.margin, y: 60, styleClass: "quiet small"))
    return lines
  }

  /// What the picture leaves out; nil when it shows everything.
  private var folding: String? {
    var phrases: [String] = []
    if graph.foldedCount > 0 {
      phrases.append("the \(graph.foldedCount) smallest nodes are drawn as others")
    }
    if graph.hiddenEdgeCount > 0 {
      phrases.append("the \(graph.hiddenEdgeCount) smallest edges are not drawn")
    }
    return phrases.isEmpty ? nil : phrases.joined(separator: ", ")
  }

  private func cut(_ text: String, _ room: Double, _ cell: Double) -> String {
    DisplayText.truncatedInMiddle(DisplayText.visible(text), to: Int(room / cell))
  }

  // MARK: - Elements

  private func node(_ index: Int) -> [String] {
    let (text, place) = (boxes[index], layout.boxes[index])
    let x = place.x + place.width / 2
    return [
      "<g class=\"node \(text.styleClass)\">",
      "<title>\(tooltip([text.full]))</title>",
      "<rect x=\"\(number(place.x))\" y=\"\(number(place.y))\" width=\"\(number(place.width))\""
        + " height=\"\(number(place.height))\" rx=\"\(text.styleClass == "remote" ? 14 : 4)\"/>",
      centered(text.shownName, x: x, y: place.middle - 3, styleClass: "name"),
      centered(text.shownDetail, x: x, y: place.middle + 12, styleClass: "quiet small"), "</g>",
    ]
  }

  private func edge(_ index: Int) -> [String] {
    let edge = graph.edges[index]
    let figures = NetworkEdgeFigures(edge)
    let place = layout.labels[index]
    let thickness = thickness(figures.bytes)
    let path = Self.shortened(layout.paths[index], by: Self.arrowLength(thickness) - 2)
    let tip = NetworkLabel.tooltip(
      of: figures, client: boxes[edge.client].full, server: boxes[edge.server].full,
      elapsedNanoseconds: elapsedNanoseconds)
    var lines = [
      "<g class=\"edge\(figures.isFailing ? " bad" : "")\">",
      "<title>\(tooltip(tip))</title>",
      "<path class=\"line\" d=\"\(curve(path))\" stroke-width=\"\(number(thickness))\"/>",
      "<path class=\"head\" d=\"\(arrow(path, thickness))\"/>",
      "<rect class=\"label\" x=\"\(number(place.x))\" y=\"\(number(place.y))\" width=\"\(number(place.width))\""
        + " height=\"\(number(place.height))\" rx=\"3\"/>",
    ]
    let trouble = NetworkLabel.trouble(figures) == nil ? -1 : labels[index].count - 1
    for (row, line) in labels[index].enumerated() {
      lines.append(
        centered(
          line, x: place.x + place.width / 2, y: place.y + Self.lineHeight * Double(row + 1),
          styleClass: row == trouble ? "trouble small" : row == 0 ? "small" : "quiet small"))
    }
    return lines + ["</g>"]
  }

  /// From 1.2 px for a few bytes to 5 for most of the picture, by the logarithm.
  private func thickness(_ bytes: UInt64) -> Double {
    let most = graph.edges.map { NetworkEdgeFigures($0).bytes }.max() ?? 0
    guard most > 0, bytes > 0 else { return 1.2 }
    let span = max(1, Self.magnitude(most))
    return 1.2 + 3.8 * max(0, 1 - (span - Self.magnitude(bytes)) / min(span, 12))
  }

  /// The binary logarithm, straight between powers of two: enough for a line, and the same everywhere.
  private static func magnitude(_ number: UInt64) -> Double {
    let exponent = 63 - number.leadingZeroBitCount
    return Double(exponent) + Double(number) / Double(UInt64(1) << UInt64(exponent)) - 1
  }

  /// Curves that begin and end level, and straight pieces within columns.
  private func curve(_ path: NetworkLayout.Path) -> String {
    var text = "M\(number(path.points[0].x)) \(number(path.points[0].y))"
    for (index, (from, to)) in zip(path.points, path.points.dropFirst()).enumerated() {
      guard index % 2 == 0 else {
        text += "L\(number(to.x)) \(number(to.y))"
        continue
      }
      let middle = number((from.x + to.x) / 2)
      text += "C\(middle) \(number(from.y)) \(middle) \(number(to.y)) \(number(to.x)) \(number(to.y))"
    }
    return text
  }

  private static func arrowLength(_ thickness: Double) -> Double { 8 + thickness }

  /// A path that leaves room for its arrow at the server.
  private static func shortened(_ path: NetworkLayout.Path, by length: Double) -> NetworkLayout.Path {
    var path = path
    let tip = path.isBackward ? 0 : path.points.count - 1
    let previous = path.isBackward ? 1 : path.points.count - 2
    path.points[tip].x += path.points[previous].x < path.points[tip].x ? -length : length
    return path
  }

  /// A triangle at the server, from the end of a shortened path on.
  private func arrow(_ path: NetworkLayout.Path, _ thickness: Double) -> String {
    let end = path.points[path.isBackward ? 0 : path.points.count - 1]
    let previous = path.points[path.isBackward ? 1 : path.points.count - 2]
    let direction = previous.x < end.x ? 1.0 : -1.0
    let back = end.x - 2 * direction
    let half = 3.5 + thickness
    return "M\(number(back + direction * Self.arrowLength(thickness))) \(number(end.y))L\(number(back))"
      + " \(number(end.y - half))L\(number(back)) \(number(end.y + half))Z"
  }

  private func tooltip(_ lines: [String]) -> String {
    lines.map { XMLText.escaped(DisplayText.truncatedInMiddle(DisplayText.visible($0), to: Self.tooltipCells)) }
      .joined(separator: "&#10;")
  }

  private func text(_ content: String, x: Double, y: Double, styleClass: String) -> String {
    let style = styleClass.isEmpty ? "" : " class=\"\(styleClass)\""
    return "<text x=\"\(number(x))\" y=\"\(number(y))\"\(style)>\(XMLText.escaped(content))</text>"
  }

  private func centered(_ content: String, x: Double, y: Double, styleClass: String) -> String {
    "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"middle\" class=\"\(styleClass)\">"
      + "\(XMLText.escaped(content))</text>"
  }

  private func number(_ value: Double) -> String {
    let text = NumberText.decimal(value, digits: 1) ?? "0"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// What stands in a box.
  private struct BoxText {
    let shownName: String
    let shownDetail: String
    /// All of it, for the tooltip.
    let full: String
    let styleClass: String

    init(_ node: NetworkGraph.Node) {
      let (name, detail, full, styleClass) = Self.parts(node)
      shownName = DisplayText.truncatedInMiddle(DisplayText.visible(name), to: nameCells)
      shownDetail = DisplayText.truncatedInMiddle(DisplayText.visible(detail), to: nameCells + 4)
      self.full = full
      self.styleClass = styleClass
    }

    private static func parts(
      _ node: NetworkGraph.Node
    ) -> (name: String, detail: String, full: String, styleClass: String) {
      switch node {
      case .otherClients(let count): ("\(count) others", "smaller clients", "\(count) smaller clients", "others")
      case .otherServers(let count): ("\(count) others", "smaller servers", "\(count) smaller servers", "others")
      case .node(.other(let count)): ("\(count) others", "not kept apart", "\(count) others, not kept apart", "others")
      case .node(.process(let id, let name, let isTarget, let cgroup)):
        (
          name.isEmpty ? "unnamed" : name, "pid \(id)\(isTarget ? ", target" : "")",
          NetworkText.process(name, id) + (cgroup.map { ", cgroup \($0)" } ?? ""), isTarget ? "target" : "process"
        )
      case .node(.program(let name, let count, let isTarget, let cgroup)):
        (
          NetworkText.program(name, count), "processes\(isTarget ? ", targets" : "")",
          NetworkText.program(name, count) + (cgroup.map { ", cgroup \($0)" } ?? ""), isTarget ? "target" : "process"
        )
      case .node(.remote(let address, let port, let name, let namespace)):
        remote(address, port, name, namespace)
      }
    }

    private static func remote(
      _ address: String, _ port: UInt16?, _ name: String?, _ namespace: UInt32?
    ) -> (name: String, detail: String, full: String, styleClass: String) {
      let place = NetworkText.place(address, port)
      let isPath = address.hasPrefix("/") || address.hasPrefix("@")
      let full = NetworkText.name(of: .remote(address: address, port: port, name: name, namespace: namespace))
      let detail = namespace.map { "netns \($0)" } ?? (isPath ? "unix socket" : name == nil ? "remote" : place)
      return (name ?? place, detail, full, "remote")
    }
  }
}
