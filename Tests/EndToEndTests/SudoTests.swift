import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// What a capture under sudo(8) leaves behind.
  @Suite struct SudoTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `the database of a capture is the caller's, and what is recorded is whole`() throws {
      let home = bench.path("home")
      try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: false)
      chown(home, 12345, 12346)
      let workload = try bench.startWorkload([try bench.compile("split")])
      let database = "\(home)/state/tasks.db"

      let result = try bench.run([
        "env", "SUDO_UID=12345", "SUDO_GID=12346", bench.swprof, "oncpu", "--db", database, "--pid", "\(workload.pid)",
        "--duration", "1s", "--folded",
      ])

      #expect(result.status == 0, "\(result.errors)")
      #expect(try FoldedStacks(result.output).count(leaf: "burn_three") > 0)
      for (path, mode) in [("\(home)/state", 0o700), (database, 0o600)] {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.ownerAccountID] as? Int == 12345)
        #expect(attributes[.groupOwnerAccountID] as? Int == 12346)
        #expect(attributes[.posixPermissions] as? Int == mode)
      }
    }

    @Test func `of a command whose arguments may be secret only the name is kept`() throws {
      let result = try bench.run(bench.oncpu(["--redact-args", "--", "/bin/sleep", "0.1"]))

      #expect(result.status == 0)
      #expect(!result.output.contains("0.1 "))
      #expect(
        try bench.run([bench.swprof, "tasks", "list", "--db", bench.database]).output.contains("command /bin/sleep "))
      let stored = try Data(contentsOf: URL(filePath: bench.database))
      #expect(stored.range(of: Data("sleep 0.1".utf8)) == nil)
    }
  }
}
