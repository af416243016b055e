import Foundation
import ProfileModel
import Storage
import Testing

@Suite struct TaskStoreTests {
  private let directory: TemporaryDirectory
  private let store: TaskStore

  init() throws {
    directory = try TemporaryDirectory()
    store = try TaskStore.open(path: directory.database)
  }

  @Test func `a task of waits and its profile come back whole`() throws {
    let id = try store.add(Sample.waitTask, profile: Sample.waitProfile)
    var expected = Sample.waitTask
    expected.id = id
    #expect(try store.task(id) == expected)
    #expect(try store.profile(of: id) == Sample.waitProfile)
  }

  @Test func `a task runs until it is finished, then it has what was measured`() throws {
    var task = Sample.fullTask
    task.id = try store.begin(Sample.task())
    #expect(try store.task(task.id).status == .running)
    try store.finish(task, profile: Sample.profile)
    #expect(try store.task(task.id) == task)
    #expect(try store.profile(of: task.id) == Sample.profile)
  }

  @Test func `a profile without anything comes back as it is`() throws {
    let id = try store.add(profile: Profile())
    #expect(try store.profile(of: id) == Profile())
  }

  @Test func `a name with a zero byte is stored whole`() throws {
    let id = try store.add(profile: Profile(frames: [Frame(function: "\0evil\0")]))
    #expect(try store.profile(of: id).frames.map(\.function) == ["\u{FFFD}evil\u{FFFD}"])
  }

  @Test func `tasks are listed newest first, as many as are asked for`() throws {
    let ids = try (1...3).map { try store.add(Sample.task(startedAt: 10 - $0)) }
    #expect(try store.tasks().map(\.id) == ids.reversed())
    #expect(try store.tasks(limit: 2).map(\.id) == [ids[2], ids[1]])
  }

  @Test func `the latest task is the latest that has a profile`() throws {
    #expect(try store.latest() == nil)
    let done = try store.add()
    _ = try store.begin(Sample.task())
    #expect(try store.latest()?.id == done)
  }

  @Test func `a failed task tells why and when, and has no profile`() throws {
    let id = try store.begin(Sample.task())
    try store.fail(id, error: "the kernel said no", endedAt: WallTime(nanoseconds: 7))
    let task = try store.task(id)
    #expect(task.status == .failed)
    #expect(task.error == "the kernel said no")
    #expect(task.endedAt == WallTime(nanoseconds: 7))
    #expect(throws: StoreError.noProfile(id)) { try store.profile(of: id) }
  }

  @Test func `a task that is not there is an error for every request`() throws {
    let id = TaskID(rawValue: 77)
    var task = Sample.task()
    task.id = id
    #expect(throws: StoreError.noSuchTasks([id])) { try store.task(id) }
    #expect(throws: StoreError.noSuchTasks([id])) { try store.finish(task, profile: Sample.profile) }
    #expect(throws: StoreError.noSuchTasks([id])) { try store.fail(id, error: "", endedAt: task.startedAt) }
    #expect(throws: StoreError.noProfile(id)) { try store.profile(of: id) }
    #expect(StoreError.noSuchTasks([id]).kind == .notFound)
  }

  @Test func `when one of the tasks to remove is missing, it is named and none is removed`() throws {
    let ids = [try store.add(), try store.add()]
    #expect(throws: StoreError.noSuchTasks([TaskID(rawValue: 8), TaskID(rawValue: 9)])) {
      try store.remove([ids[0], TaskID(rawValue: 9), ids[1], TaskID(rawValue: 8)])
    }
    #expect(try store.tasks().count == 2)
    try store.remove([ids[0], ids[0]])
    #expect(try store.tasks().map(\.id) == [ids[1]])
  }

  @Test func `an id is not used again after its task was removed`() throws {
    let id = try store.add()
    try store.remove([id])
    #expect(try store.add() > id)
  }

  @Test func `pruning removes what started before a time, except running tasks`() throws {
    let old = try store.add(Sample.task(startedAt: 10))
    let running = try store.begin(Sample.task(startedAt: 10))
    let new = try store.add(Sample.task(startedAt: 20))
    #expect(try store.prune(olderThan: WallTime(nanoseconds: 20_000_000_000)) == 1)
    #expect(try store.tasks().map(\.id) == [new, running])
    #expect(throws: StoreError.noProfile(old)) { try store.profile(of: old) }
  }

  @Test func `the profiles of removed tasks leave the file`() throws {
    let directory = try TemporaryDirectory()
    func size() throws -> Int { try directory.bytes().count }
    _ = try TaskStore.open(path: directory.database)
    let empty = try size()
    let frames = (0..<20_000).map { Frame(function: "function\($0)") }
    let id = try TaskStore.open(path: directory.database).add(profile: Profile(frames: frames))
    #expect(try size() > 2 * empty)
    try TaskStore.open(path: directory.database).remove([id])
    // Removed pages of the table of ids and of page pointers may stay.
    #expect(try size() <= empty + 2 * 4096)
  }

  @Test func `a task that was finished by one store is seen by another at once`() throws {
    let reader = try TaskStore.openReadOnly(path: directory.database)
    let id = try store.begin(Sample.task())
    #expect(try reader.task(id).status == .running)
    var task = Sample.task()
    task.id = id
    try store.finish(task, profile: Sample.profile)
    #expect(try reader.profile(of: id) == Sample.profile)
  }

  @Test func `values come back by thread and stack with their times, whatever their order`() throws {
    let directory = try TemporaryDirectory()
    let store = try TaskStore.open(path: directory.database)
    var shuffled = Sample.profile
    shuffled.values.reverse()
    let last = shuffled.values.count - 1
    shuffled.timeline = Sample.profile.timeline?.mapped { last - $0 }

    let id = try store.add(profile: shuffled)

    #expect(try store.profile(of: id) == Sample.profile)
  }

  @Test func `a full disk is told, and what was stored before stays`() throws {
    let before = try store.add()
    let small = try TaskStore.open(path: directory.database, pageLimit: 60)
    var task = Sample.task()
    task.id = try small.begin(task)
    let large = Profile(frames: (0..<20_000).map { Frame(function: "function\($0)") })
    let error = #expect(throws: StoreError.diskFull(path: directory.database)) {
      try small.finish(task, profile: large)
    }
    #expect(error?.kind == .inputOutput)
    #expect(error?.description.contains("disk full") == true)
    #expect(try small.profile(of: before) == Sample.profile)
    #expect(try small.task(task.id).status == .running)
    #expect(throws: StoreError.noProfile(task.id)) { try small.profile(of: task.id) }
    try small.fail(task.id, error: "disk full", endedAt: task.startedAt)
    #expect(try TaskStore.openReadOnly(path: directory.database).tasks().map(\.status) == [.failed, .done])
  }
}
