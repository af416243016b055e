/// The style sheet of a network map. Its rules hold within such a map only, since the map may stand in a page.
enum NetworkStyle {
  static let sheet = """
    .network{background:#fff;font:12px ui-monospace,"DejaVu Sans Mono","Liberation Mono",Menlo,Consolas,monospace}
    .network text{fill:#1b1b1b;white-space:pre}
    .network .title{font-size:16px;font-weight:bold}
    .network .quiet{fill:#5a5a5a}
    .network .small{font-size:11px}
    .network .line{fill:none;stroke:#8a94a3}
    .network .head{fill:#8a94a3}
    .network .label{fill:#fff;stroke:#c9cfd8}
    .network .node rect{fill:#f1f3f6;stroke:#6b7583}
    .network .node .name{font-weight:bold}
    .network .target rect{fill:#d6e6ff;stroke:#1d5fd0;stroke-width:2}
    .network .remote rect{fill:#fff;stroke-dasharray:6 3}
    .network .others rect{fill:#fff;stroke-dasharray:2 3}
    .network .bad .line{stroke:#c62828}
    .network .bad .head{fill:#c62828}
    .network .bad .label{stroke:#c62828}
    .network .bad .trouble{fill:#c62828;font-weight:bold}
    .network .edge:hover .line{stroke:#1d5fd0}
    @media (prefers-color-scheme:dark){
    .network{background:#16181c}
    .network text{fill:#f0f0f0}
    .network .quiet{fill:#a8adb5}
    .network .line{stroke:#7d8794}
    .network .head{fill:#7d8794}
    .network .label{fill:#16181c;stroke:#3f4650}
    .network .node rect{fill:#23272e;stroke:#8a94a3}
    .network .target rect{fill:#1d3557;stroke:#7fb0ff}
    .network .remote rect,.network .others rect{fill:#16181c}
    .network .bad .line{stroke:#ff6b6b}
    .network .bad .head{fill:#ff6b6b}
    .network .bad .label{stroke:#ff6b6b}
    .network .bad .trouble{fill:#ff8a8a}
    .network .edge:hover .line{stroke:#7fb0ff}
    }

    """
}
