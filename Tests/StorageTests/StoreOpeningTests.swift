import Dispatch
import Foundation
import ProfileModel
import Storage
import Synchronization
import Testing

@Suite struct StoreOpeningTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func `the database, its log and the directories that are made are for their owner only`() throws {
    let path = directory.path + "/a/b/swprof.db"
    let store = try TaskStore.open(path: path)
    _ = try store.add()
    #expect(try mode(of: directory.path + "/a") == 0o700)
    #expect(try mode(of: directory.path + "/a/b") == 0o700)
    #expect(try mode(of: path) == 0o600)
    #expect(try mode(of: path + "-wal") == 0o600)
    #expect(try mode(of: path + "-shm") == 0o600)
  }

  @Test func `a directory that is there keeps its mode`() throws {
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path)
    _ = try TaskStore.open(path: directory.database)
    #expect(try mode(of: directory.path) == 0o755)
  }

  @Test func `what was stored is there when the database is opened again`() throws {
    let id = try TaskStore.open(path: directory.database).add()
    #expect(try TaskStore.open(path: directory.database).profile(of: id) == Sample.profile)
    #expect(try TaskStore.openReadOnly(path: directory.database).profile(of: id) == Sample.profile)
  }

  @Test func `an empty file becomes a database`() throws {
    try directory.write([])
    let id = try TaskStore.open(path: directory.database).add()
    #expect(try TaskStore.openReadOnly(path: directory.database).task(id).status == .done)
  }

  @Test func `reading a database that is not there creates nothing`() throws {
    let path = directory.path + "/a/swprof.db"
    #expect(throws: StoreError.noDatabase(path: path)) { try TaskStore.openReadOnly(path: path) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }

  @Test func `reading an empty file says that there is no database`() throws {
    try directory.write([])
    #expect(throws: StoreError.noDatabase(path: directory.database)) {
      try TaskStore.openReadOnly(path: directory.database)
    }
    #expect(try directory.bytes().isEmpty)
  }

  @Test func `a read-only store refuses to write`() throws {
    _ = try TaskStore.open(path: directory.database)
    let store = try TaskStore.openReadOnly(path: directory.database)
    #expect(throws: StoreError.notWritable(path: directory.database)) { try store.begin(Sample.task()) }
  }

  @Test func `a database of a newer swprof is refused, with both versions, and left as it is`() throws {
    _ = try TaskStore.open(path: directory.database).add()
    try directory.patchHeader(at: TemporaryDirectory.userVersionOffset, 99)
    let before = try directory.bytes()
    let expected = StoreError.newer(path: directory.database, version: 99, known: 9)
    #expect(throws: expected) { try TaskStore.open(path: directory.database) }
    #expect(throws: expected) { try TaskStore.openReadOnly(path: directory.database) }
    #expect(try directory.bytes() == before)
    #expect(expected.description.contains("version 99"))
    #expect(expected.description.contains("up to 9;"))
  }

  @Test func `a database of another program is refused and left as it is`() throws {
    _ = try TaskStore.open(path: directory.database).add()
    for application: UInt32 in [0, 0x4d50_4258] {
      try directory.patchHeader(at: TemporaryDirectory.applicationIDOffset, application)
      let before = try directory.bytes()
      #expect(throws: StoreError.foreign(path: directory.database)) { try TaskStore.open(path: directory.database) }
      #expect(throws: StoreError.foreign(path: directory.database)) {
        try TaskStore.openReadOnly(path: directory.database)
      }
      #expect(try directory.bytes() == before)
    }
  }

  @Test(arguments: [Array("just text\n".utf8), [UInt8](repeating: 0xA5, count: 10_000), [0]])
  func `a file that is no database is refused and left as it is`(content: [UInt8]) throws {
    try directory.write(content)
    #expect(throws: StoreError.notADatabase(path: directory.database)) { try TaskStore.open(path: directory.database) }
    #expect(throws: StoreError.notADatabase(path: directory.database)) {
      try TaskStore.openReadOnly(path: directory.database)
    }
    #expect(try directory.bytes() == content)
  }

  @Test func `a database whose list of tables is overwritten is refused and left as it is`() throws {
    _ = try TaskStore.open(path: directory.database).add()
    var bytes = try directory.bytes()
    for index in 100..<4096 { bytes[index] = 0xFF }
    try directory.write(bytes)
    #expect(throws: StoreError.damaged(path: directory.database)) { try TaskStore.open(path: directory.database) }
    #expect(throws: StoreError.damaged(path: directory.database)) {
      try TaskStore.openReadOnly(path: directory.database)
    }
    #expect(try directory.bytes() == bytes)
  }

  @Test func `a database that is cut short is an error, whatever is left of it`() throws {
    let id = try TaskStore.open(path: directory.database).add()
    let whole = try directory.bytes()
    for pages in 1..<(whole.count / 4096) {
      try directory.write(whole.prefix(pages * 4096))
      #expect(throws: StoreError.self) { try TaskStore.openReadOnly(path: directory.database).profile(of: id) }
    }
  }

  @Test func `a directory, and a link that leads nowhere, are refused`() throws {
    #expect(throws: StoreError.notADatabase(path: directory.path)) { try TaskStore.open(path: directory.path) }
    let link = directory.path + "/link.db"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: directory.path + "/target.db")
    let error = #expect(throws: StoreError.self) { try TaskStore.open(path: link) }
    #expect(error?.kind == .cannotCreate)
    #expect(!FileManager.default.fileExists(atPath: directory.path + "/target.db"))
  }

  @Test func `a path through a file cannot be created`() throws {
    try directory.write([], to: "file")
    let error = #expect(throws: StoreError.self) { try TaskStore.open(path: directory.path + "/file/swprof.db") }
    #expect(error?.kind == .cannotCreate)
  }

  @Test func `a database that another swprof has only begun to make is completed`() throws {
    for reading in [false, true] {
      try directory.write(Self.markedDatabaseWithoutTables)
      if reading { #expect(try TaskStore.openReadOnly(path: directory.database).tasks().isEmpty) }
      let id = try TaskStore.open(path: directory.database).add()
      #expect(try TaskStore.openReadOnly(path: directory.database).profile(of: id) == Sample.profile)
    }
  }

  @Test func `a database whose version is not that of its tables is refused`() throws {
    try directory.write(Self.markedDatabaseWithoutTables)
    try directory.patchHeader(at: TemporaryDirectory.userVersionOffset, 1)
    #expect(throws: StoreError.damaged(path: directory.database)) { try TaskStore.open(path: directory.database) }
  }

  /// One page with our application id, version 0 and an empty list of tables, after the format's description.
  private static var markedDatabaseWithoutTables: [UInt8] {
    var page = Array("SQLite format 3\0".utf8) + [0x10, 0, 1, 1, 0, 64, 32, 32, 0, 0, 0, 1, 0, 0, 0, 1]
    page += [UInt8](repeating: 0, count: 36) + Array("swpr".utf8)
    page += [UInt8](repeating: 0, count: 20) + [0, 0, 0, 1, 0, 0x2E, 0x6F, 0x40] + [0x0D, 0, 0, 0, 0, 0x10, 0, 0]
    return page + [UInt8](repeating: 0, count: 4096 - page.count)
  }

  @Test func `many writers of one new database at once all store their tasks`() throws {
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 6) { _ in
      do {
        for _ in 0..<10 { _ = try TaskStore.open(path: directory.database).add() }
      } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
    #expect(failures.withLock { $0 }.isEmpty)
    #expect(try TaskStore.openReadOnly(path: directory.database).tasks().count == 60)
  }
}
