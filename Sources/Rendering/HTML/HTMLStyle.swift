/// The style of a report's page. Colors of frames are the script's, from the data.
enum HTMLStyle {
  static let sheet = """
    :root{--ink:#1b1b1b;--quiet:#5a5a5a;--paper:#fff;--line:#d8dbe0;--panel:#f5f6f8;--accent:#1d5fd0;--warn:#a04a00;--bar:#c9ddfb;--mark:#d000d0}
    @media (prefers-color-scheme:dark){:root{--ink:#f0f0f0;--quiet:#a8adb5;--paper:#16181c;--line:#3a3e46;--panel:#1f2228;--accent:#7fb0ff;--warn:#ffb36b;--bar:#27466f;--mark:#ff6bff}}
    body{margin:0 auto;max-width:1280px;padding:16px 20px 60px;background:var(--paper);color:var(--ink);font:14px/1.45 system-ui,sans-serif}
    h1{font-size:19px;line-height:1.35;margin:4px 0 2px}
    h2{font-size:15px;margin:26px 0 8px;border-bottom:1px solid var(--line);padding-bottom:4px}
    .quiet{color:var(--quiet)}
    dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:0}
    dt{color:var(--quiet)}
    dd{margin:0;overflow-wrap:anywhere}
    ul{margin:0;padding-left:20px}
    .warn{color:var(--warn)}
    code,pre,table,canvas,.mono{font-family:ui-monospace,"DejaVu Sans Mono","Liberation Mono",Menlo,Consolas,monospace;font-size:12px}
    .bar{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:6px 0}
    button,select,input{font:inherit;font-size:13px;color:inherit;background:var(--panel);border:1px solid var(--line);border-radius:4px;padding:3px 9px}
    button{cursor:pointer}
    button[aria-pressed=true]{border-color:var(--accent);color:var(--accent)}
    input[type=search]{min-width:220px}
    canvas{display:block;width:100%;outline-offset:2px}
    #tip{position:fixed;z-index:9;display:none;max-width:620px;padding:6px 9px;background:var(--panel);border:1px solid var(--line);border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere;pointer-events:none}
    #details{min-height:1.5em;overflow-wrap:anywhere}
    table{border-collapse:collapse;width:100%}
    th,td{text-align:right;padding:2px 8px;border-bottom:1px solid var(--line);vertical-align:top}
    th:last-child,td:last-child{text-align:left;overflow-wrap:anywhere}
    th button{border:0;background:none;padding:0;font-weight:bold}
    tbody tr{cursor:pointer}
    tbody tr:hover{background:var(--panel)}
    .scroll{max-height:420px;overflow:auto;border:1px solid var(--line)}
    .strip{display:grid;grid-template-columns:minmax(90px,190px) 1fr;gap:2px 8px;align-items:center}
    .strip span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
    .strip canvas{height:22px;cursor:crosshair;background:var(--panel)}
    .legend{display:flex;flex-wrap:wrap;gap:12px;color:var(--quiet);font-size:12px}
    .legend canvas{display:inline-block;width:11px;height:11px;margin-right:5px;vertical-align:-1px}
    svg.chart{width:100%;max-width:900px;height:auto;font-size:11px}
    svg.chart text{fill:var(--quiet)}
    svg.chart .slot{fill:var(--bar)}
    svg.chart .fired{fill:var(--accent)}
    svg.chart .task{fill:var(--accent)}
    svg.chart .waits{fill:#4a8f7d}
    svg.chart .talks{fill:#8a63c4}
    svg.chart .axis{stroke:var(--line)}
    svg.chart .threshold{stroke:var(--warn);stroke-dasharray:4 3}
    .map{overflow-x:auto}
    pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--panel);border:1px solid var(--line);padding:6px 9px;margin:6px 0}
    summary{cursor:pointer;overflow-wrap:anywhere}
    noscript svg,.map svg{max-width:100%;height:auto}
    @media print{.bar,#tip{display:none}}

    """
}
