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
    """
    svg{background:#fff;font:12px ui-monospace,"DejaVu Sans Mono","Liberation Mono",Menlo,Consolas,monospace}
    text{fill:#1b1b1b;pointer-events:none;white-space:pre}
    .title{font-size:16px;font-weight:bold}
    .quiet{fill:#5a5a5a}
    .frames>*{cursor:pointer;outline:none}
    .frames g rect{stroke:#fff;stroke-width:.5}
    .frames>:hover,.frames>:focus,.frames>:hover rect,.frames>:focus rect{stroke:#000;stroke-width:1}
    .frames text{stroke:none}
    .frames path{pointer-events:none}
    .button{display:none;cursor:pointer;pointer-events:all}
    .on .button{display:inline}
    .on .button.off{display:none}
    .button:hover,.button:focus{text-decoration:underline}
    .faded{opacity:.5}
    \(FlameColor.allCases.map { $0.rules(palette, isDark: false) }.joined(separator: "\n"))
    .frames .match,.frames .match rect{fill:#e600e6}
    @media (prefers-color-scheme:dark){
    svg{background:#16181c}
    text{fill:#f0f0f0}
    .quiet{fill:#a8adb5}
    .frames g rect{stroke:#16181c}
    .frames>:hover,.frames>:focus,.frames>:hover rect,.frames>:focus rect{stroke:#fff}
    \(FlameColor.allCases.map { $0.rules(palette, isDark: true) }.joined(separator: "\n"))
    .frames .match,.frames .match rect{fill:#b000b0}
    }

    """
  }
}
