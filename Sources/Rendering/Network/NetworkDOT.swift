package import ProfileModel

/// The topology for Graphviz: `dot -Tsvg`.
package enum NetworkDOT {
  private static let labelWidth = 60

  package static func render(_ task: ProfilingTask, _ profile: NetworkProfile) -> String {
    var lines = [
      "digraph swprof {", "  rankdir=LR;", "  node [shape=box, fontname=\"monospace\"];",
      "  edge [fontname=\"monospace\", fontsize=10];",
      "  label=\(quoted(["swprof network: \(task.target)"]));",
    ]
    for (index, node) in profile.nodes.enumerated() {
      lines.append("  n\(index) [label=\(quoted([NetworkText.name(of: node)]))\(style(of: node))];")
    }
    for edge in profile.edges {
      let figures = NetworkEdgeFigures(edge)
      let label = NetworkLabel.lines(of: figures, elapsedNanoseconds: task.elapsedNanoseconds)
      let color = figures.isFailing ? ", color=red, fontcolor=red" : ""
      lines.append("  n\(edge.client) -> n\(edge.server) [label=\(quoted(label))\(color)];")
    }
    return (lines + ["}", ""]).joined(separator: "\n")
  }

  private static func style(of node: NetworkNode) -> String {
    switch node {
    case .process, .program: node.isTarget ? ", style=bold" : ""
    case .remote: ", style=dashed"
    case .other: ", style=dotted"
    }
  }

  /// A quoted string of lines. Within it, `\` begins an escape and `&` an entity
  /// (https://graphviz.org/doc/info/attrs.html#k:escString, https://graphviz.org/doc/info/lang.html).
  private static func quoted(_ lines: [String]) -> String {
    var text = ""
    for (index, line) in lines.enumerated() {
      if index > 0 { text += "\\n" }
      for scalar in DisplayText.truncatedInMiddle(DisplayText.visible(line), to: labelWidth).unicodeScalars {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case "&": text += "&amp;"
        default: text.unicodeScalars.append(scalar)
        }
      }
    }
    return "\"\(text)\""
  }
}
