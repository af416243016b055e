import CommandRunning
import Foundation
import Testing

/// What swprof writes belongs to the caller of sudo, and no link leads it elsewhere. These tests need root.
@Suite struct OwnershipTests {
  private let desk: CommandDesk
  private let sudo = ["SUDO_UID=\(CommandDesk.callerUID)", "SUDO_GID=\(CommandDesk.callerGID)"]

  init() throws {
    try #require(geteuid() == 0, "run as root; see 'swprof doctor'")
    desk = try CommandDesk()
  }

  @Test func `with sudo, an output is the caller's alone`() throws {
    chown(desk.directory.path, CommandDesk.callerUID, CommandDesk.callerGID)
    let result = try report(to: desk.path("out.svg"), environment: sudo)

    #expect(result == 0)
    let status = try desk.status(desk.path("out.svg"))
    #expect(status.owner == CommandDesk.callerUID)
    #expect(status.group == CommandDesk.callerGID)
    #expect(status.mode == 0o600)
  }

  @Test func `without sudo, an output is this user's alone`() throws {
    #expect(try report(to: desk.path("out.svg")) == 0)

    let status = try desk.status(desk.path("out.svg"))
    #expect(status.owner == 0)
    #expect(status.mode == 0o600)
  }

  @Test func `an absurd SUDO_UID changes no owner, and is told`() throws {
    let result = try desk.run(
      ["report", "--from", desk.stacks, "-o", desk.path("out.svg")],
      environment: ["SUDO_UID=4294967295", "SUDO_GID=0"])

    #expect(result.status == 0)
    #expect(result.errors.contains("SUDO_UID"))
    #expect(try desk.status(desk.path("out.svg")).owner == 0)
  }

  @Test func `a file that is replaced passes its mode on, but not to another owner`() throws {
    chown(desk.directory.path, CommandDesk.callerUID, CommandDesk.callerGID)
    for (name, owner, mode) in [("own.svg", CommandDesk.callerUID, UInt32(0o644)), ("planted.svg", 4711, 0o666)] {
      try "old".write(toFile: desk.path(name), atomically: false, encoding: .utf8)
      chmod(desk.path(name), mode)
      chown(desk.path(name), owner, CommandDesk.callerGID)

      #expect(try report(to: desk.path(name), environment: sudo) == 0)

      let status = try desk.status(desk.path(name))
      #expect(status.owner == CommandDesk.callerUID)
      #expect(status.mode == (owner == CommandDesk.callerUID ? mode : 0o600))
    }
  }

  @Test func `a hard link that somebody laid keeps its content`() throws {
    chown(desk.directory.path, CommandDesk.callerUID, CommandDesk.callerGID)
    try "precious".write(toFile: desk.path("precious"), atomically: false, encoding: .utf8)
    link(desk.path("precious"), desk.path("out.svg"))

    #expect(try report(to: desk.path("out.svg"), environment: sudo) == 0)

    #expect(try String(contentsOfFile: desk.path("precious"), encoding: .utf8) == "precious")
    #expect(try desk.status(desk.path("precious")).owner == 0)
  }

  @Test(arguments: ["precious", "not-there"])
  func `a symbolic link is refused, wherever it leads`(target: String) throws {
    try "precious".write(toFile: desk.path("precious"), atomically: false, encoding: .utf8)
    symlink(desk.path(target), desk.path("out.svg"))

    let result = try desk.run(["report", "--from", desk.stacks, "-o", desk.path("out.svg")], environment: sudo)

    #expect(result.status == 73)
    #expect(result.errorLines.count == 1)
    #expect(result.errors.contains("symbolic link"))
    #expect(try String(contentsOfFile: desk.path("precious"), encoding: .utf8) == "precious")
    #expect(!FileManager.default.fileExists(atPath: desk.path("not-there")))
    #expect(try leftovers().isEmpty)
  }

  @Test func `standard output by its name in dev is standard output, file or pipe`() throws {
    let result = try desk.shell(
      "$SWPROF report --folded --from \(desk.stacks) -o /dev/stdout > \(desk.path("a"));"
        + " $SWPROF report --folded --from \(desk.stacks) -o /dev/stdout | cat > \(desk.path("b"));"
        + " $SWPROF report --folded --from \(desk.stacks) -o >(cat > \(desk.path("c"))); wait $!")

    #expect(result.status == 0, "\(result.errors)")
    for name in ["a", "b", "c"] {
      #expect(try String(contentsOfFile: desk.path(name), encoding: .utf8).contains("main;parse 70"), "\(name)")
    }
  }

  @Test func `with sudo, an output goes only where the caller may write`() throws {
    try FileManager.default.createDirectory(
      atPath: desk.path("roots"), withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    try "precious".write(toFile: desk.path("roots/out.svg"), atomically: false, encoding: .utf8)

    for name in ["roots/out.svg", "roots/new.svg", "new.svg"] {
      let result = try desk.run(["report", "--from", desk.stacks, "-o", desk.path(name)], environment: sudo)

      #expect(result.status == 73, "\(name)")
      #expect(result.errors.contains("Permission denied"))
    }
    #expect(try String(contentsOfFile: desk.path("roots/out.svg"), encoding: .utf8) == "precious")
  }

  @Test func `a link of another user's is followed nowhere in a path`() throws {
    try FileManager.default.createDirectory(atPath: desk.path("real"), withIntermediateDirectories: false)
    for (link, target) in [("way", desk.path("real")), ("null", "/dev/null")] {
      symlink(target, desk.path(link))
      #expect(try report(to: desk.path(link == "null" ? link : link + "/out.svg")) == 0)
      lchown(desk.path(link), 4711, 4711)

      let path = desk.path(link == "null" ? link : link + "/other.svg")
      let result = try desk.run(["report", "--from", desk.stacks, "-o", path])

      #expect(result.status == 73, "\(path)")
      #expect(result.errors.contains("symbolic link"))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: desk.path("real")) == ["out.svg"])
  }

  @Test func `of devices, only those are written that hold and start nothing`() throws {
    let nodes = [("disk", S_IFBLK, 7, 200, 73), ("serial", S_IFCHR, 4, 65, 73), ("null", S_IFCHR, 1, 3, 0)]
    for (name, type, major, minor, status) in nodes {
      try #require(mknod(desk.path(name), type | 0o666, dev_t(major << 8 | minor)) == 0)

      let result = try desk.run(["report", "--from", desk.stacks, "-o", desk.path(name)])

      #expect(result.status == status, "\(name)")
      #expect(status == 0 || result.errors.contains("is a device"))
    }
  }

  @Test func `a pipe of another user's is refused without waiting for its reader`() throws {
    mkfifo(desk.path("pipe.svg"), 0o666)
    chown(desk.path("pipe.svg"), 4711, 4711)

    let result = try desk.shell("timeout 60 $SWPROF report --from \(desk.stacks) -o \(desk.path("pipe.svg"))")

    #expect(result.status == 73)
    #expect(result.errors.contains("another user's"))
  }

  @Test func `a pipe that another user laid gets nothing`() throws {
    mkfifo(desk.path("pipe.svg"), 0o666)
    chown(desk.path("pipe.svg"), 4711, 4711)

    // The reader is there before the writer opens: an open for both never blocks.
    let result = try desk.shell(
      "exec 3<>\(desk.path("pipe.svg")); $SWPROF report --from \(desk.stacks) -o \(desk.path("pipe.svg"))")

    #expect(result.status == 73)
    #expect(result.errors.contains("another user's"))
  }

  @Test func `with sudo, a database that the caller may write is used with the caller's rights`() throws {
    try makeCallersDatabase()

    let result = try desk.run(["tasks", "prune", "--older-than", "1h", "--db", desk.database], environment: sudo)

    #expect(result.output == "1 task removed\n", "\(result.errors)")
    for name in try FileManager.default.contentsOfDirectory(atPath: desk.directory.path) where name.hasPrefix("tasks") {
      let status = try desk.status(desk.path(name))
      #expect(status.owner == CommandDesk.callerUID, "\(name)")
      #expect(status.mode == 0o600, "\(name)")
    }
  }

  @Test func `a log that leads to a file of root's is not followed`() throws {
    try makeCallersDatabase()
    let precious = desk.path("precious")
    try "precious".write(toFile: precious, atomically: false, encoding: .utf8)
    chmod(precious, 0o600)
    for log in ["-wal", "-journal"] {
      unlink(desk.database + log)
      symlink(precious, desk.database + log)
    }

    let result = try desk.run(["tasks", "prune", "--older-than", "1h", "--db", desk.database], environment: sudo)

    #expect(result.status != 0)
    #expect(result.errorLines.count == 1)
    #expect(try String(contentsOfFile: precious, encoding: .utf8) == "precious")
    #expect(try desk.status(precious).owner == 0)
  }

  @Test func `a log that is a hard link to a file of root's keeps its owner`() throws {
    try makeCallersDatabase()
    let precious = desk.path("precious")
    #expect(FileManager.default.createFile(atPath: precious, contents: nil, attributes: [.posixPermissions: 0o600]))
    unlink(desk.database + "-wal")
    link(precious, desk.database + "-wal")

    let result = try desk.run(["tasks", "prune", "--older-than", "1h", "--db", desk.database], environment: sudo)

    #expect(result.status != 0)
    #expect(try desk.status(precious).owner == 0)
  }

  @Test func `a database of root's is used with root's rights, though sudo has a caller`() throws {
    try desk.store(targets: ["all processes"])

    let result = try desk.run(["tasks", "prune", "--older-than", "1h", "--db", desk.database], environment: sudo)

    #expect(result.status == 0, "\(result.errors)")
    #expect(try desk.status(desk.database).owner == 0)
  }

  @Test func `a failure leaves no file behind`() throws {
    let result = try desk.run(["report", "--from", "/no/such/file", "-o", desk.path("out.svg")])

    #expect(result.status == 66)
    #expect(try leftovers().isEmpty)
  }

  @Test func `a directory is no place for an output`() throws {
    for path in [desk.directory.path, desk.directory.path + "/", "/no/such/directory/out.svg"] {
      let result = try desk.run(["report", "--from", desk.stacks, "-o", path])

      #expect(result.status == 73, "\(path)")
      #expect(result.errorLines.count == 1)
    }
  }

  /// Makes a database with a task, all of it and its directory the caller's.
  private func makeCallersDatabase() throws {
    try desk.store(targets: ["all processes"])
    chown(desk.directory.path, CommandDesk.callerUID, CommandDesk.callerGID)
    for name in try FileManager.default.contentsOfDirectory(atPath: desk.directory.path) {
      chown(desk.path(name), CommandDesk.callerUID, CommandDesk.callerGID)
    }
  }

  /// Names that a broken-off output would have.
  private func leftovers() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: desk.directory.path).filter { $0.hasSuffix(".partial") }
  }

  private func report(to path: String, environment: [String] = []) throws -> Int32 {
    try desk.run(["report", "--from", desk.stacks, "-o", path], environment: environment).status
  }
}
