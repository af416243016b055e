package import ProfileModel

/// A flame graph as one SVG file that needs nothing else: the root at the bottom, callees above their callers,
/// or the other way round.
///
/// Names are hostile: they come from the profiled process. They are escaped and freed of control characters, so that
/// the document is well-formed whatever they hold. Equal input gives equal bytes.
package enum SVG {
  /// What the script may draw at most: of more, smaller frames are left out.
  private static let nodeLimit = 60_000
  /// The shares down to which the script draws, in millionths, the first one that leaves no more than `nodeLimit` frames.
  private static let floorsPerMillion: [UInt64] = [100, 200, 500]

  /// Renders a profile; boxes below `minimumPerMille` thousandths of it are drawn where zoomed in, if at all.
  ///
  /// - Parameter unit: what is counted, in the plural: `samples`.
  package static func render(
    _ profile: Profile, title: String, subtitle: String, unit: String = "samples", palette: FlamePalette = .onCPU,
    root: CallTree.Root = .process, isInverted: Bool = false,
    withLines: Bool = false, measure: WeightMeasure = .count, minimumPerMille: UInt64 = 1
  ) -> String {
    var places: [FrameLabel: String] = [:]
    func tree(_ minimumPerMillion: UInt64) -> CallTree {
      CallTree(profile, root: root, measure: measure, minimumPerMillion: minimumPerMillion) { frame, module in
        let label = FrameLabel(frame, module: module, withLine: withLines)
        if let source = frame.source, places[label] == nil { places[label] = place(source) }
        return label
      }
    }
    return render(
      tree(floors(minimumPerMille)[0]), title: title, subtitle: subtitle, unit: unit, palette: palette,
      isInverted: isInverted, places: places, minimumPerMille: minimumPerMille)
  }

  /// The shares in millionths that a script may draw down to, the smallest first; the last is that of the still picture.
  private static func floors(_ minimumPerMille: UInt64) -> [UInt64] {
    floorsPerMillion.filter { $0 < minimumPerMille * 1000 } + [minimumPerMille * 1000]
  }

  /// Renders a call tree.
  static func render(
    _ tree: CallTree, title: String, subtitle: String, unit: String, palette: FlamePalette = .onCPU,
    isInverted: Bool = false, places: [FrameLabel: String] = [:], minimumPerMille: UInt64 = 1
  ) -> String {
    let floors = floors(minimumPerMille)
    var floor = floors[0]
    var grown = tree.pruned(minimumPerMillion: floor)
    for larger in floors.dropFirst() where grown.nodes.count > nodeLimit {
      floor = larger
      grown = grown.pruned(minimumPerMillion: larger)
    }
    let layout = FlameGraphLayout(grown, minimumPerMille: minimumPerMille)
    let drawing = FlameDrawing(
      layout: layout, title: title, subtitle: subtitle, unit: unit, isInverted: isInverted, places: places,
      floorPerMillion: floor)
    let data = FlameData(grown, cut: layout.minimumWeight) { places[$0] }
    let constants = "\(drawing.constants)const UNIT = \"\(unitText(unit))\", DATA = \"\(data.text)\";\n"
    return drawing.document(style: FlameStyle.sheet(palette), script: WebFile.graphScript(constants))
  }

  /// The picture alone, for a page that has no use for a script in it.
  static func still(
    _ profile: Profile, title: String, unit: String, palette: FlamePalette, root: CallTree.Root, measure: WeightMeasure,
    minimumPerMille: UInt64 = 2
  ) -> String {
    still(
      CallTree(profile, root: root, measure: measure, minimumPerMillion: minimumPerMille * 1000), title: title,
      unit: unit, palette: palette, minimumPerMille: minimumPerMille)
  }

  /// The same of a call tree.
  static func still(
    _ tree: CallTree, title: String, unit: String, palette: FlamePalette, minimumPerMille: UInt64
  ) -> String {
    let layout = FlameGraphLayout(tree, minimumPerMille: minimumPerMille)
    let drawing = FlameDrawing(
      layout: layout, title: title, subtitle: "", unit: unit, pageClass: FlameStyle.styleClass(palette))
    return drawing.document(style: FlameStyle.pageSheet(palette), script: "")
  }

  /// A unit as a script's text: letters and spaces.
  private static func unitText(_ unit: String) -> String {
    String(unit.filter { $0.isASCII && ($0.isLetter || $0 == " ") })
  }

  private static func place(_ source: SourceLocation) -> String {
    let file = source.file.lastIndex(of: "/").map { source.file[source.file.index(after: $0)...] } ?? source.file[...]
    return "\(file):\(source.line)"
  }
}
