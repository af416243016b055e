import Foundation
import LinuxSystem
import Testing

struct DebianPackageTests {
  @Test func `a file belongs to the package that lists it, under either name of its directory`() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "packages-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: directory) }
    try Data("/.\n/lib/libc.so.6\n".utf8).write(to: directory.appending(path: "libc6:amd64.list"))
    try Data("/usr/bin/app\n".utf8).write(to: directory.appending(path: "app.list"))
    try Data("/usr/bin/other\n".utf8).write(to: directory.appending(path: "app.md5sums"))

    let owners = DebianPackage(directory: directory.path)
      .owners(of: ["/usr/lib/libc.so.6", "/usr/bin/app", "/usr/bin/other"])

    #expect(owners == ["/usr/lib/libc.so.6": "libc6", "/usr/bin/app": "app"])
  }

  @Test func `there are no packages where there is no database`() {
    #expect(DebianPackage(directory: "/nonexistent").owners(of: ["/usr/bin/app"]).isEmpty)
  }

  @Test func `the debug package is named by the rule, save the C library's`() {
    #expect(DebianPackage.debugPackage(of: "libssl3") == "libssl3-dbgsym")
    #expect(DebianPackage.debugPackage(of: "libc6") == "libc6-dbg")
  }
}
