import Foundation
import ProfileModel
import Storage
import Testing

@Suite struct InterruptedTaskTests {
  private let directory: TemporaryDirectory
  private let own: TaskOwner

  init() throws {
    directory = try TemporaryDirectory()
    own = try TaskOwner.current()
  }

  /// The status of a task that was begun by an owner, after the database was opened again.
  private func status(after change: (inout TaskOwner) -> Void) throws -> TaskStatus {
    var owner = own
    change(&owner)
    let id = try TaskStore.open(path: directory.database).begin(Sample.task(), owner: owner)
    return try TaskStore.open(path: directory.database).task(id).status
  }

  // Above PID_MAX_LIMIT (include/linux/threads.h).
  private static let noProcess = ProcessID(rawValue: 1 << 23)

  @Test func `a task of a living process keeps running`() throws {
    let id = try TaskStore.open(path: directory.database).begin(Sample.task())
    #expect(try TaskStore.open(path: directory.database).task(id).status == .running)
  }

  @Test func `a task of a process that is gone is interrupted`() throws {
    #expect(try status { $0.process = Self.noProcess } == .interrupted)
  }

  @Test func `a task whose pid was taken over by a later process is interrupted`() throws {
    #expect(try status { $0.startTicks -= 1 } == .interrupted)
  }

  @Test func `a task from before a reboot is interrupted, in whatever namespace it ran`() throws {
    #expect(try status { $0.bootID = "00000000-0000-0000-0000-000000000000" } == .interrupted)
    #expect(
      try status {
        $0.bootID = "00000000-0000-0000-0000-000000000000"
        $0.pidNamespace += 1
      } == .interrupted)
  }

  @Test func `a task of another pid namespace is left alone`() throws {
    let status = try status {
      $0.process = Self.noProcess
      $0.pidNamespace += 1
    }
    #expect(status == .running)
  }

  @Test func `a process that has ended but was not waited for is gone`() throws {
    var child: pid_t = 0
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("true"), nil]
    defer { for argument in arguments { free(argument) } }
    #expect(posix_spawn(&child, "/bin/true", nil, nil, &arguments, nil) == 0)
    var information = siginfo_t()
    #expect(waitid(P_PID, id_t(child), &information, WEXITED | WNOWAIT) == 0)
    var owner = own
    owner.process = ProcessID(rawValue: child)
    #expect(owner.isGone(seenBy: own))
    #expect(waitpid(child, nil, 0) == child)
  }

  @Test func `a task that was left is interrupted for who reads it`() throws {
    var owner = own
    owner.process = Self.noProcess
    let id = try TaskStore.open(path: directory.database).begin(Sample.task(), owner: owner)
    let reader = try TaskStore.openReadOnly(path: directory.database)
    #expect(try reader.task(id).status == .interrupted)
    #expect(try reader.tasks().map(\.status) == [.interrupted])
  }

  @Test func `a task that was taken for interrupted can still be finished`() throws {
    var owner = own
    owner.process = Self.noProcess
    let store = try TaskStore.open(path: directory.database)
    var task = Sample.task()
    task.id = try store.begin(task, owner: owner)
    #expect(try store.markInterrupted(seenBy: own) == [task.id])
    #expect(try store.latest() == nil)
    try store.finish(task, profile: Sample.profile)
    #expect(try store.task(task.id).status == .done)
  }
}
