package import ProfileModel

/// A flame graph as one SVG file that needs nothing else: the root at the bottom, callees above their callers.
///
/// Names are hostile: they come from the profiled process. They are escaped and freed of control characters, so that
/// the document is well-formed whatever they hold. Equal input gives equal bytes.
package enum SVG {
  /// Renders a profile; boxes below `minimumPerMille` thousandths of it are left out and told of.
  ///
  /// - Parameter unit: what is counted, in the plural: `samples`.
  package static func render(
    _ profile: Profile, title: String, subtitle: String, unit: String = "samples", palette: FlamePalette = .onCPU,
    perThread: Bool = false,
    withLines: Bool = false, measure: WeightMeasure = .count, minimumPerMille: UInt64 = 1
  ) -> String {
    let tree = CallTree(profile, perThread: perThread) { FrameLabel($0, module: $1, withLine: withLines) }
    let layout = FlameGraphLayout(tree, measure: measure, minimumPerMille: minimumPerMille)
    return render(layout, title: title, subtitle: subtitle, unit: unit, palette: palette)
  }

  /// Renders a layout.
  package static func render(
    _ layout: FlameGraphLayout, title: String, subtitle: String, unit: String = "samples",
    palette: FlamePalette = .onCPU
  ) -> String {
    let drawing = FlameDrawing(layout: layout, title: title, subtitle: subtitle, unit: unit)
    return drawing.document(style: FlameStyle.sheet(palette), script: script(for: layout))
  }

  private static func script(for layout: FlameGraphLayout) -> String {
    let numbers = layout.boxes.map { "\($0.start),\($0.total)" }.joined(separator: ",")
    return "const CELL = \(FlameDrawing.cellWidth), boxes = [\(numbers)];\n\(FlameScript.text)"
  }
}
