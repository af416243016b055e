/// The style sheet of a flame graph. Media queries work where scripts do not run, even through `<img>`.
enum FlameStyle {
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
