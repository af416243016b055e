package import Capture
import LinuxSystem
package import ProfileModel

/// What the thread that names and stores is asked for, in this order.
package enum RecorderRequest: Sendable {
  /// A task has begun; its number is the caller's.
  case begin(Int, ProfilingTask, [Cooldown])
  /// The records of a task that has ended.
  case finish(Int, CaptureOutcome, Lookback?, endedAt: WallTime)
  /// A task that was begun has no result.
  case abandon(Int, error: String, endedAt: WallTime)
  /// A task could not be started.
  case fail(Int, ProfilingTask, error: String)
  case log(TriggerLogEntry)
  case keep([MetricHistory])
  case state(WatchState, WallTime)
  case prune(Retention, WallTime)
  case stop
}

package enum RecorderReply: Sendable {
  /// A task was stored as begun; its id is 0 where there was no room.
  case began(Int, TaskID)
  /// A task has ended, be it stored or not.
  case ended(Int, ProfilingTask)
  case failed(Int, TaskID)
  /// What a person should know.
  case trouble(String)
  case stopped
}

/// Names and stores tasks in a thread of its own, so that neither a large program's symbols nor a slow disk holds up a
/// slot.
package final class TaskRecorder {
  private let requests: Mailbox<RecorderRequest>
  private let replies: Mailbox<RecorderReply>
  private var thread: WorkerThread?

  package init(_ sink: any TaskSink) throws {
    let requests = try Mailbox<RecorderRequest>()
    let replies = try Mailbox<RecorderReply>()
    do throws(Errno) {
      thread = try WorkerThread {
        let work = RecorderWork(sink: sink, replies: replies)
        while work.isWanted {
          _ = Poll.readable([requests.descriptor], timeoutMilliseconds: -1)
          for request in requests.takeAll() { work.handle(request) }
        }
        replies.send(.stopped)
      }
    } catch {
      throw CaptureError.system(operation: "cannot start a thread within the limit of processes", error)
    }
    self.requests = requests
    self.replies = replies
  }

  /// Readable while there are replies.
  package var descriptor: Int32 { replies.descriptor }

  package func send(_ request: RecorderRequest) { requests.send(request) }

  package func takeReplies() -> [RecorderReply] { replies.takeAll() }

  /// Waits until everything that was asked for is done.
  ///
  /// - Parameter reply: called with each answer that comes meanwhile.
  package func finish(_ reply: (RecorderReply) -> Void) {
    requests.send(.stop)
    while true {
      _ = Poll.readable([replies.descriptor], timeoutMilliseconds: -1)
      for answer in replies.takeAll() {
        if case .stopped = answer {
          thread.take()?.join()
          return
        }
        reply(answer)
      }
    }
  }
}

/// What that thread does.
private final class RecorderWork {
  private let sink: any TaskSink
  private let replies: Mailbox<RecorderReply>
  private(set) var isWanted = true
  private var tasks: [Int: ProfilingTask] = [:]
  private var backlog = StoreBacklog()
  /// What was said already, and is not said again before it is over.
  private var trouble: String?
  /// When something failed last.
  private var failedAt = MonotonicTime(nanoseconds: 0)
  /// What needs no room succeeds on a full disk too: trouble is over when nothing has failed for so many ns, or when a
  /// task has been saved.
  private static let troubleEnds: UInt64 = 60_000_000_000

  init(sink: any TaskSink, replies: Mailbox<RecorderReply>) {
    self.sink = sink
    self.replies = replies
  }

  func handle(_ request: RecorderRequest) {
    switch request {
    case .begin(let number, let task, let cooldowns): begin(number, task, cooldowns)
    case .finish(let number, let outcome, let lookback, let endedAt): finish(number, outcome, lookback, endedAt)
    case .abandon(let number, let error, let endedAt): abandon(number, error, endedAt)
    case .fail(let number, let task, let error): fail(number, task, error)
    case .log(let entry): write(.decision(entry))
    case .keep(let histories): write(.history(histories))
    case .state(let state, let time):
      writeBacklog()
      attempt { try sink.keep(state, at: time) }
    case .prune(let retention, let now):
      attempt { try sink.keepWithin(retention, now: now) }
    case .stop:
      writeBacklog()
      for task in backlog.tasks { say("no room for \(Self.words(task.task)); it is lost") }
      isWanted = false
    }
  }

  private static func words(_ task: ProfilingTask) -> String { "the \(task.kind.rawValue) task of \(task.target)" }

  private func begin(_ number: Int, _ task: ProfilingTask, _ cooldowns: [Cooldown]) {
    var task = task
    attempt { task.id = try sink.begin(task) }
    write(.cooldowns(cooldowns))
    tasks[number] = task
    logTrigger(task, .started)
    replies.send(.began(number, task.id))
  }

  private func logTrigger(_ task: ProfilingTask, _ outcome: TriggerLogEntry.Outcome, reason: String? = nil) {
    guard let trigger = TriggerText.decode(task.trigger) else { return }
    let entry = TriggerLogEntry(
      firedAt: trigger.firedAt, policy: trigger.policy, process: trigger.process, processName: trigger.processName,
      outcome: outcome, reason: reason, task: task.id.rawValue == 0 ? nil : task.id)
    write(.decision(entry))
  }

  private func finish(_ number: Int, _ outcome: CaptureOutcome, _ lookback: Lookback?, _ endedAt: WallTime) {
    guard var task = tasks.removeValue(forKey: number) else { return }
    task.endedAt = endedAt
    let result: TaskResult
    do {
      result = try TaskCompletion.complete(&task, outcome, lookback: lookback)
    } catch {
      return abandon(number, task, error.description)
    }
    let lost = backlog.add(task, result)
    writeBacklog()
    for task in lost { say("no room for \(Self.words(task)); it is lost") }
    replies.send(.ended(number, task))
  }

  private func writeBacklog() {
    do {
      if try backlog.write(to: sink) { trouble = nil }
      let dropped = backlog.takeDropped()
      if dropped > 0 { say("there was no memory for \(dropped) rows of history and decisions; they are lost") }
    } catch {
      complain(error)
    }
  }

  private func abandon(_ number: Int, _ error: String, _ endedAt: WallTime) {
    guard var task = tasks.removeValue(forKey: number) else { return }
    task.endedAt = endedAt
    abandon(number, task, error)
  }

  private func abandon(_ number: Int, _ task: ProfilingTask, _ error: String) {
    var task = task
    task.status = .failed
    task.error = error
    if task.id.rawValue != 0 { write(.failure(task.id, error: error, endedAt: task.endedAt ?? Clock.wall)) }
    replies.send(.ended(number, task))
  }

  private func fail(_ number: Int, _ task: ProfilingTask, _ error: String) {
    var task = task
    attempt { task.id = try sink.begin(task) }
    if task.id.rawValue != 0 { write(.failure(task.id, error: error, endedAt: task.startedAt)) }
    logTrigger(task, .failed, reason: error)
    replies.send(.failed(number, task.id))
  }

  /// Writes something small, or keeps it for later.
  private func write(_ entry: StoreBacklog.Entry) {
    attempt {
      do { try entry.write(to: sink) } catch {
        backlog.add(entry)
        throw error
      }
    }
  }

  /// Does what may fail for want of room: watching goes on.
  private func attempt(_ body: () throws -> Void) {
    do {
      try body()
      if backlog.isEmpty, Clock.monotonic.nanoseconds(since: failedAt) >= Self.troubleEnds { trouble = nil }
    } catch {
      complain(error)
    }
  }

  /// Says what went wrong, once for as long as it does.
  private func complain(_ error: any Error) {
    let sentence = FailureSentence.of(error)
    failedAt = Clock.monotonic
    guard trouble != sentence else { return }
    trouble = sentence
    say(sentence + "; watching goes on, and tasks wait in memory for room")
  }

  private func say(_ sentence: String) { replies.send(.trouble(sentence)) }
}
