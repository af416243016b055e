package import ProfileModel

/// A flame graph as one SVG file that needs nothing else: the root at the bottom, callees above their callers,
/// or the other way round.
///
/// Names are hostile: they come from the profiled process. They are escaped and freed of control characters, so that
/// the document is well-formed whatever they hold. Equal input gives equal bytes.
package enum SVG {
  /// Renders a profile; boxes below `minimumPerMille` thousandths of it are left out and told of.
  ///
  /// - Parameter unit: what is counted, in the plural: `samples`.
  package static func render(
    _ profile: Profile, title: String, subtitle: String, unit: String = "samples", palette: FlamePalette = .onCPU,
    root: CallTree.Root = .process, isInverted: Bool = false,
    withLines: Bool = false, measure: WeightMeasure = .count, minimumPerMille: UInt64 = 1
  ) -> String {
    let tree = CallTree(profile, root: root, measure: measure, minimumPerMillion: minimumPerMille * 1000) {
      FrameLabel($0, module: $1, withLine: withLines)
    }
    let layout = FlameGraphLayout(tree, minimumPerMille: minimumPerMille)
    return render(
      layout, title: title, subtitle: subtitle, unit: unit, palette: palette, isInverted: isInverted)
  }

  /// Renders a layout.
  package static func render(
    _ layout: FlameGraphLayout, title: String, subtitle: String, unit: String = "samples",
    palette: FlamePalette = .onCPU, isInverted: Bool = false
  ) -> String {
    let drawing = FlameDrawing(
      layout: layout, title: title, subtitle: subtitle, unit: unit, isInverted: isInverted)
    return drawing.document(style: FlameStyle.sheet(palette), script: script(for: layout, isInverted: isInverted))
  }

  private static func script(for layout: FlameGraphLayout, isInverted: Bool) -> String {
    let numbers = layout.boxes.map { "\($0.start),\($0.total)" }.joined(separator: ",")
    let up = isInverted ? -1 : 1
    return "const CELL = \(FlameDrawing.cellWidth), UP = \(up), boxes = [\(numbers)];\n\(FlameScript.text)"
  }
}
