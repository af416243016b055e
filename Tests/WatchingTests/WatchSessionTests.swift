import Capture
import Foundation
import LinuxSystem
import Policies
import ProfileModel
import Recording
import Testing

@testable import Watching

/// A whole watch of a real process, with a kind of capture and a sink that only this test has. Needs neither eBPF, nor
/// SQLite, nor the program.
@Suite final class WatchSessionTests {
  private let directory: URL
  /// No other process has it: tests run beside each other.
  private let name = "w" + String(UInt32.random(in: .min ... .max), radix: 36)
  private let process = Process()
  private let desk = FakeCapture.Desk()
  private let sink = MemorySink()
  private let journal = Journal()

  /// What a watch has reported.
  private final class Journal {
    var words: [String] = []

    func note(_ news: WatchNews) {
      switch news {
      case .ready: words.append("ready")
      case .started(_, let trigger, let id): words.append("started \(id) for \(trigger.process)")
      case .failed(_, _, _, let error): words.append("failed: \(error)")
      case .ended(_, _, let task): words.append("ended: \(task.status.rawValue), \(task.error ?? "no error")")
      case .trouble(let sentence): words.append("trouble: \(sentence)")
      case .refused(_, let summary): words.append("refused: \(summary)")
      case .reloaded: words.append("reloaded")
      case .stopped: words.append("stopped")
      case .heldBack, .promptness, .slotClosed, .state, .stopping: break
      }
    }
  }

  init() throws {
    try #require(Host.isRoot, "run as root: the kernel's records of processes are listened to")
    directory = FileManager.default.temporaryDirectory.appending(path: "swprof-watch-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    let program = directory.appending(path: name)
    try FileManager.default.copyItem(at: URL(filePath: "/bin/sleep"), to: program)
    process.executableURL = program
    process.arguments = ["1000"]
    try process.run()
  }

  deinit {
    // The others are blocked in the threads that tests run in, and in what those start.
    kill(process.processIdentifier, SIGKILL)
    try? FileManager.default.removeItem(at: directory)
  }

  private func session() throws -> WatchSession {
    let file = directory.appending(path: "p.yaml").path
    try Sample.policy.replacing("watched", with: name).write(toFile: file, atomically: true, encoding: .utf8)
    let journal = journal
    return try WatchSession(
      source: PolicySource(path: file), sink: sink, kinds: FakeCapture.kinds(desk), signals: nil
    ) { journal.note($0) }
  }

  /// Lets a watch go on until something is so, or for 30 s.
  private func run(_ session: inout WatchSession, until isReached: () -> Bool) {
    let deadline = Clock.monotonic + 30_000_000_000
    while !isReached(), Clock.monotonic < deadline { _ = session.step() }
  }

  @Test func `a new kind's task goes to a new sink, with its decision and its cooldown`() throws {
    var session = try session()
    session.begin()
    run(&session) { !sink.now.results.isEmpty }
    run(&session) { journal.words.contains { $0.hasPrefix("ended") } }
    session.stop()

    let pid = process.processIdentifier
    #expect(journal.words == ["ready", "started 1 for \(pid)", "ended: done, no error", "stopped"])
    let now = sink.now
    #expect(now.tasks.values.map(\.status) == [.done])
    #expect(now.tasks.values.first?.event == "a fake")
    guard case .stacks(let profile)? = now.results.values.first else {
      Issue.record("no profile")
      return
    }
    #expect(profile.frames.map(\.function) == ["[user mode]"] && profile.total.count > 1)
    #expect(now.decisions.map(\.outcome) == [.started])
    #expect(now.cooldowns.map(\.process.process.rawValue) == [pid])
    #expect(now.state?.policies.map(\.name) == ["hot"])
    #expect(!now.histories.isEmpty)
    // Another one was made ready for the next task as soon as the first one was taken.
    #expect(desk.steps.prefix(3) == ["prepare", "aim", "arm"] && desk.steps.count { $0 == "prepare" } == 2)
  }

  @Test func `a running task is ended and kept when the watch stops`() throws {
    var session = try session()
    session.begin()
    run(&session) { !sink.now.tasks.isEmpty }
    session.stop()

    #expect(sink.now.tasks.values.map(\.status) == [.done])
    #expect(journal.words.last == "stopped")
  }

  @Test func `a capture that cannot begin is a failed task, and mutes nothing`() throws {
    desk.armingFailure = .missingFeature("no such probe")
    var session = try session()
    session.begin()
    run(&session) { journal.words.count { $0 == "failed: no such probe" } == 2 }
    session.stop()

    #expect(sink.now.tasks.values.map(\.status) == [.failed, .failed])
    #expect(sink.now.cooldowns.isEmpty)
  }

  @Test func `an account that does not balance is a failed task`() throws {
    desk.missing = 3
    var session = try session()
    session.begin()
    run(&session) { journal.words.contains { $0.hasPrefix("ended") } }
    session.stop()

    #expect(sink.now.results.isEmpty)
    #expect(journal.words.contains { $0.hasPrefix("ended: failed, a bug of swprof") }, "\(journal.words)")
  }
}
