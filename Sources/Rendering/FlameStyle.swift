/// The style sheet of a flame graph. Media queries work where scripts do not run, even through `<img>`.
enum FlameStyle {
  /// The class of a graph that stands in a page. A style element of a page holds for all of the page.
  static func styleClass(_ palette: FlamePalette) -> String {
    switch palette {
    case .onCPU: "flame-on-cpu"
    case .offCPU: "flame-off-cpu"
    }
  }

  /// The same rules for graphs of one class only, so that two palettes can share a page.
  static func pageSheet(_ palette: FlamePalette) -> String {
    let scope = ".\(styleClass(palette))"
    return sheet(palette).split(separator: "\n").map { line in
      if line.hasPrefix("@") || line == "}" { return String(line) }
      return line.split(separator: "}").map { rule in
        let parts = rule.split(separator: "{", maxSplits: 1)
        let selectors = parts[0].split(separator: ",").map { $0 == "svg" ? "svg\(scope)" : "\(scope) \($0)" }
        return "\(selectors.joined(separator: ",")){\(parts[1])}"
      }.joined()
    }.map { $0 + "\n" }.joined()
  }

  /// The rules of a document of its own.
  static func sheet(_ palette: FlamePalette) -> String {
    WebFile.flameGraphStyle.replacing("/* colors of frames */", with: rules(palette, isDark: false))
      .replacing("/* dark colors of frames */", with: rules(palette, isDark: true))
  }

  private static func rules(_ palette: FlamePalette, isDark: Bool) -> String {
    FlameColor.allCases.map { $0.rules(palette, isDark: isDark) }.joined(separator: "\n")
  }
}
