import Foundation
import GRDB
import ProfileModel
import Storage
import Testing

/// Databases of versions before, and what a version after may have stored.
@Suite struct OlderVersionTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Takes back what the versions after the fifth have added.
  private func makeVersion5() throws {
    try execute(
      """
      ALTER TABLE task DROP COLUMN version;
      ALTER TABLE thread DROP COLUMN labels;
      DROP TABLE label_set;
      ALTER TABLE frame DROP COLUMN language;
      DELETE FROM grdb_migrations WHERE CAST(identifier AS INTEGER) > 5;
      PRAGMA user_version = 5;
      """)
  }

  private func execute(_ sql: String) throws {
    let queue = try DatabaseQueue(path: directory.database)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }

  /// The sample without what version 5 could not store.
  private var profile: Profile {
    var profile = Sample.profile
    profile.frames.removeAll { $0.origin.language != nil }
    return profile
  }

  @Test(arguments: [false, true])
  func `a database of version 5 reports the same`(isReadOnly: Bool) throws {
    let id = try TaskStore.open(path: directory.database).add(profile: profile)
    try makeVersion5()
    let store = try isReadOnly ? TaskStore.openReadOnly(path: directory.database) : .open(path: directory.database)
    #expect(try store.profile(of: id) == profile)
    #expect(try TaskStore.open(path: directory.database).add() > id)
  }

  @Test(arguments: ["origin = 7, language = 'python'", "origin = 255", "origin = 6, language = NULL"])
  func `an origin of a later version is reported`(change: String) throws {
    let id = try TaskStore.open(path: directory.database).add()
    try execute("UPDATE frame SET \(change) WHERE number = 0")
    #expect(throws: StoreError.malformedTask(id, detail: "its frames are damaged, column 'origin'")) {
      try TaskStore.openReadOnly(path: directory.database).profile(of: id)
    }
  }

  @Test func `a language of a later version is kept`() throws {
    let id = try TaskStore.open(path: directory.database).add()
    try execute("UPDATE frame SET origin = 5, language = 'emacs-lisp' WHERE number = 0")
    let profile = try TaskStore.openReadOnly(path: directory.database).profile(of: id)
    #expect(profile.frames[0].origin.language?.name == "emacs-lisp")
  }
}
