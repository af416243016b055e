import ProfileModel
import Rendering
import Testing

struct ModuleReportTests {
  private let findings = [
    ModuleFinding(
      path: "/usr/bin/app", buildID: "ab12", unwinding: .table(rows: 58_512, bytes: 245_120, damagedEntries: 2),
      names: .exported, debugFile: nil, supplier: "app-dbgsym"),
    ModuleFinding(
      path: "/opt/lib.so", buildID: "cd34", unwinding: .framePointers(reason: "no .eh_frame"), names: .none,
      debugFile: nil, supplier: nil),
    ModuleFinding(
      path: "[anonymous]", buildID: nil, unwinding: .none(reason: "the file cannot be opened"), names: .perfMap,
      debugFile: nil, supplier: nil),
  ]

  @Test func `each module has a line with its unwinding, its names and what would help`() {
    let lines = ModuleReport.text(findings).split(separator: "\n")

    #expect(lines.count == 5)
    #expect(lines[1].contains("table, 58,512 rows, 2 damaged entries left out"))
    #expect(lines[1].hasSuffix("apt install app-dbgsym"))
    #expect(lines[2].contains("frame pointers (no .eh_frame)"))
    #expect(lines[2].hasSuffix("debug file of build id cd34"))
    #expect(lines[3].contains("perf-map"))
    #expect(lines[4].contains("debug archive"))
  }

  @Test func `the array has every key in every object`() {
    let text = ModuleReport.json(findings)
    #expect(text.hasPrefix("{\n  \"schema\": \"swprof.modules\",\n  \"version\": 1,\n  \"modules\": ["))

    for key in ["path", "build_id", "unwinding", "unwind_rows", "unwind_bytes", "names", "debug_file", "debug_package"]
    {
      #expect(text.split(separator: "\"\(key)\":").count == findings.count + 1, "\(key)")
    }
    #expect(text.contains("\"unwind_rows\": 58512"))
    #expect(text.contains("\"unwinding\": \"frame_pointers\""))
  }

  @Test func `the Python of a process has a line and an object`() {
    let read = PythonFinding(
      .read(version: "3.13.5", build: .shared, isFreeThreaded: true, place: "by a slot", knowsLock: false))
    let refused = PythonFinding(.refused(reason: "CPython 3.16 is not known", advice: "wait"))

    let line = ModuleReport.text(findings, python: read).split(separator: "\n").last
    #expect(line == "Python: CPython 3.13.5, in a shared library, free-threaded; each thread is found by a slot")
    #expect(
      ModuleReport.text(findings, python: refused).hasSuffix(
        "\nPython: frames are not read: CPython 3.16 is not known; wait\n"))
    #expect(ModuleReport.json(findings).contains("\"python\": null"))
    for finding in [read, refused] {
      let text = ModuleReport.json(findings, python: finding)
      for key in ["version", "build", "thread_state", "free_threaded", "knows_gil", "reason", "advice"] {
        #expect(text.contains("\"\(key)\": "), "\(key)")
      }
    }
  }
}
