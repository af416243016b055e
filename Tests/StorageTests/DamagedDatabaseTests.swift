import Foundation
import ProfileModel
import Storage
import Testing

@Suite struct DamagedDatabaseTests {
  private let directory: TemporaryDirectory
  private let id: TaskID

  init() throws {
    directory = try TemporaryDirectory()
    let store = try TaskStore.open(path: directory.database)
    var task = Sample.fullTask
    task.id = try store.begin(task)
    try store.finish(task, profile: Sample.profile)
    id = task.id
  }

  /// Overwrites a text of the file with one of the same length.
  private func replace(_ old: String, by new: String) throws {
    var data = Data(try directory.bytes())
    let range = try #require(data.range(of: Data(old.utf8)))
    data.replaceSubrange(range, with: Data(new.utf8))
    try directory.write(data)
  }

  @Test func `a loss cause that is not known is told in a warning`() throws {
    try replace("ring_buffer_full", by: "cosmic_radiation")
    let task = try TaskStore.openReadOnly(path: directory.database).task(id)
    #expect(task.account.losses.isEmpty)
    #expect(
      task.warnings == Sample.fullTask.warnings + [
        "samples lost for a cause that this swprof does not know, 'cosmic_radiation': 8"
      ])
  }

  @Test func `a kind that is not known is an error that names the task and the column`() throws {
    try replace("oncpu", by: "off!!")
    let error = #expect(throws: StoreError.self) { try TaskStore.openReadOnly(path: directory.database).tasks() }
    #expect(error?.kind == .malformed)
    #expect(error?.description.hasPrefix("task \(id) cannot be read: column 'kind'") == true)
  }

  @Test func `a frame without a name is an error`() throws {
    try replace("square", by: "\0quare")
    #expect(throws: StoreError.malformedTask(id, detail: "its frames are damaged, column 'function'")) {
      try TaskStore.openReadOnly(path: directory.database).profile(of: id)
    }
  }

  @Test func `a database with any bytes changed is read, or is an error`() throws {
    var generator = SystemRandomNumberGenerator()
    let whole = try directory.bytes()
    // Most of a small database is unused space.
    let used = whole.indices.filter { whole[$0] != 0 }
    for _ in 0..<300 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...20, using: &generator) {
        let index = try #require(used.randomElement(using: &generator))
        bytes[index] = UInt8.random(in: 0...255, using: &generator)
      }
      try directory.write(bytes)
      // Each of them may be refused; none may trap. Sums of what is read must fit.
      let store = try? TaskStore.openReadOnly(path: directory.database)
      _ = try? store?.tasks()
      _ = try? store?.profile(of: id).total
    }
  }

  @Test func `weights whose sum does not fit are refused`() throws {
    var profile = Sample.profile
    profile.timeline = nil
    profile.values = (0..<2).map {
      Profile.Value(thread: $0, stack: 0, weight: Weight(count: 1, nanoseconds: .max - UInt64($0)))
    }
    let large = try TaskStore.open(path: directory.database).add(profile: profile)
    #expect(throws: StoreError.malformedTask(large, detail: "its threads are damaged, column 'weights'")) {
      try TaskStore.openReadOnly(path: directory.database).profile(of: large)
    }
  }
}
