package import ProfileModel

/// What `swprof doctor --pid` found: a line for each module of a process, and one for its Python.
package enum ModuleReport {
  private static let pathWidth = 60

  package static func text(_ findings: [ModuleFinding], python: PythonFinding? = nil) -> String {
    var table = TextTable([
      .init("MODULE", limit: pathWidth), .init("STACKS"), .init("NAMES"), .init("WHAT WOULD HELP"),
    ])
    for finding in findings {
      table.add([finding.path, unwinding(finding.unwinding), names(finding), help(finding)])
    }
    var lines = table.lines
    if findings.contains(where: { $0.supplier?.hasSuffix("-dbgsym") ?? false }) {
      lines.append(
        "Packages ending in -dbgsym are in Debian's debug archive: https://wiki.debian.org/HowToGetABacktrace")
    }
    if let python { lines.append(PythonReport.text(python)) }
    return lines.map { $0 + "\n" }.joined()
  }

  /// A document with `modules`, an array of objects: `path`, `build_id`, `unwinding` (`table`, `frame_pointers`, `none`), `unwind_rows`,
  /// `unwind_bytes`, `damaged_entries`, `reason`, `names`, `debug_file`, `debug_package`; and `python`, see `PythonReport`.
  package static func json(_ findings: [ModuleFinding], python: PythonFinding? = nil) -> String {
    var writer = JSONWriter()
    writer.document(schema: "swprof.modules", version: 1) { writer in
      writer.key("modules")
      writer.array { writer in
        for finding in findings {
          writer.object { writer in write(finding, to: &writer) }
        }
      }
      writer.key("python")
      PythonReport.write(python, to: &writer)
    }
    return writer.text + "\n"
  }

  private static func unwinding(_ unwinding: ModuleFinding.Unwinding) -> String {
    switch unwinding {
    case .table(let rows, _, let damagedEntries):
      "table, \(NumberText.grouped(UInt64(rows))) rows"
        + (damagedEntries == 0 ? "" : ", \(NumberText.grouped(UInt64(damagedEntries))) damaged entries left out")
    case .framePointers(let reason): "frame pointers (\(reason))"
    case .none(let reason): "none (\(reason))"
    }
  }

  private static func names(_ finding: ModuleFinding) -> String {
    finding.names.rawValue + (finding.debugFile == nil ? "" : " (separate file)")
  }

  private static func help(_ finding: ModuleFinding) -> String {
    switch finding.names {
    case .debugInformation, .goFunctionTable: return ""
    case .perfMap: return ""
    case .none where finding.path == "[anonymous]": return "a perf-map, written by the runtime that made the code"
    case .symbolTable, .miniDebugInformation, .exported, .none:
      if let supplier = finding.supplier { return "apt install \(supplier)" }
      return finding.buildID.map { "debug file of build id \($0)" } ?? ""
    }
  }

  private static func write(_ finding: ModuleFinding, to writer: inout JSONWriter) {
    var row: (kind: String, rows: Int?, bytes: Int?, damaged: Int?, reason: String?)
    switch finding.unwinding {
    case .table(let rows, let bytes, let damagedEntries): row = ("table", rows, bytes, damagedEntries, nil)
    case .framePointers(let reason): row = ("frame_pointers", nil, nil, nil, reason)
    case .none(let reason): row = ("none", nil, nil, nil, reason)
    }
    writer.key("path")
    writer.string(finding.path)
    writer.key("build_id")
    writer.string(finding.buildID)
    writer.key("unwinding")
    writer.string(row.kind)
    for (key, value) in [("unwind_rows", row.rows), ("unwind_bytes", row.bytes), ("damaged_entries", row.damaged)] {
      writer.key(key)
      if let value { writer.integer(value) } else { writer.null() }
    }
    writer.key("reason")
    writer.string(row.reason)
    writer.key("names")
    writer.string(finding.names.rawValue)
    writer.key("debug_file")
    writer.string(finding.debugFile)
    writer.key("debug_package")
    writer.string(finding.supplier)
  }
}
