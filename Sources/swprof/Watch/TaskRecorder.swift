import LinuxSystem
import ProfileModel
import Storage

/// What the thread that names and stores is asked for, in this order.
enum RecorderRequest: Sendable {
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
  case state(String, WallTime)
  case prune(TaskStore.Retention, WallTime)
  case stop
}

enum RecorderReply: Sendable {
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
final class TaskRecorder {
  private let requests: Mailbox<RecorderRequest>
  private let replies: Mailbox<RecorderReply>
  private var thread: WorkerThread?

  init(_ store: TaskStore) throws {
    let requests = try Mailbox<RecorderRequest>()
    let replies = try Mailbox<RecorderReply>()
    thread = try WorkerThread {
      let work = RecorderWork(store: store, replies: replies)
      while work.isWanted {
        _ = Poll.readable([requests.descriptor], timeoutMilliseconds: -1)
        for request in requests.takeAll() { work.handle(request) }
      }
      replies.send(.stopped)
    }
    self.requests = requests
    self.replies = replies
  }

  /// Readable while there are replies.
  var descriptor: Int32 { replies.descriptor }

  func send(_ request: RecorderRequest) { requests.send(request) }

  func takeReplies() -> [RecorderReply] { replies.takeAll() }

  /// Waits until everything that was asked for is done.
  ///
  /// - Parameter reply: called with each answer that comes meanwhile.
  func finish(_ reply: (RecorderReply) -> Void) {
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
  private let store: TaskStore
  private let replies: Mailbox<RecorderReply>
  private(set) var isWanted = true
  private var tasks: [Int: ProfilingTask] = [:]
  /// Finished tasks for which there was no room, oldest first.
  private var unsaved: [(task: ProfilingTask, profile: Profile)] = []
  /// What was said already, and is not said again before it is over.
  private var trouble: String?
  /// When something failed last.
  private var failedAt = MonotonicTime(nanoseconds: 0)
  /// What needs no room succeeds on a full disk too: trouble is over when nothing has failed for so many ns, or when a
  /// task has been saved.
  private static let troubleEnds: UInt64 = 60_000_000_000

  /// How many values of profiles are kept in memory while there is no room: of some 100 bytes each, with their stacks.
  private static let unsavedValueLimit = 1_000_000

  init(store: TaskStore, replies: Mailbox<RecorderReply>) {
    self.store = store
    self.replies = replies
  }

  func handle(_ request: RecorderRequest) {
    switch request {
    case .begin(let number, let task, let cooldowns): begin(number, task, cooldowns)
    case .finish(let number, let outcome, let lookback, let endedAt): finish(number, outcome, lookback, endedAt)
    case .abandon(let number, let error, let endedAt): abandon(number, error, endedAt)
    case .fail(let number, let task, let error): fail(number, task, error)
    case .log(let entry): attempt { try store.log([entry]) }
    case .keep(let histories): attempt { try store.append(histories) }
    case .state(let document, let time):
      saveUnsaved()
      attempt { try store.keepWatchState(document, at: time) }
    case .prune(let retention, let now):
      attempt { try store.keepWithin(retention, now: now) }
    case .stop:
      saveUnsaved()
      for task in unsaved { say("no room for \(Self.words(task.task)); it is lost") }
      isWanted = false
    }
  }

  private static func words(_ task: ProfilingTask) -> String { "the \(task.kind.rawValue) task of \(task.target)" }

  private func begin(_ number: Int, _ task: ProfilingTask, _ cooldowns: [Cooldown]) {
    var task = task
    attempt {
      task.id = try store.begin(task)
      try store.keep(cooldowns, now: Int(Clock.monotonic.nanoseconds / 1_000_000_000))
    }
    tasks[number] = task
    logTrigger(task, .started)
    replies.send(.began(number, task.id))
  }

  private func logTrigger(_ task: ProfilingTask, _ outcome: TriggerLogEntry.Outcome, reason: String? = nil) {
    guard let trigger = TriggerText.decode(task.trigger) else { return }
    let entry = TriggerLogEntry(
      firedAt: trigger.firedAt, policy: trigger.policy, process: trigger.process, processName: trigger.processName,
      outcome: outcome, reason: reason, task: task.id.rawValue == 0 ? nil : task.id)
    attempt { try store.log([entry]) }
  }

  private func finish(_ number: Int, _ outcome: CaptureOutcome, _ lookback: Lookback?, _ endedAt: WallTime) {
    guard var task = tasks.removeValue(forKey: number) else { return }
    task.endedAt = endedAt
    switch outcome {
    case .profile(let raw):
      let assembled = ProfileAssembly.assemble(raw)
      var profile = assembled.profile
      task.account = assembled.account
      task.warnings += assembled.warnings
      if let lookback {
        let earlier = ProfileAssembly.assemble(lookback.profile)
        profile = profile.preceded(by: earlier.profile, offsetNanoseconds: lookback.nanoseconds)
        task.account.add(earlier.account)
        task.warnings += earlier.warnings.filter { !task.warnings.contains($0) }
      }
      guard task.account.isBalanced else {
        return abandon(number, task, "a bug of swprof: samples are missing from the account; please report it")
      }
      task.status = .done
      unsaved.append((task, profile))
      saveUnsaved()
      boundUnsaved()
    case .other(let save):
      do {
        if task.id.rawValue == 0 { task.id = try store.begin(task) }
        try save(&task, store)
        task.status = .done
      } catch {
        return abandon(number, task, Failure(error).sentence)
      }
    }
    replies.send(.ended(number, task))
  }

  private func saveUnsaved() {
    while let (waiting, profile) = unsaved.first {
      var task = waiting
      do {
        if task.id.rawValue == 0 {
          task.id = try store.begin(task)
          unsaved[0].task.id = task.id
        }
        try store.finish(task, profile: profile)
      } catch StoreError.noSuchTasks {
        // Somebody has removed it meanwhile.
      } catch {
        return complain(error)
      }
      unsaved.removeFirst()
      trouble = nil
    }
  }

  private func boundUnsaved() {
    while unsaved.count > 1, unsaved.reduce(0, { $0 + $1.profile.values.count }) > Self.unsavedValueLimit {
      say("no room for \(Self.words(unsaved.removeFirst().task)); it is lost")
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
    if task.id.rawValue != 0 {
      attempt { try store.fail(task.id, error: error, endedAt: task.endedAt ?? Clock.wall) }
    }
    replies.send(.ended(number, task))
  }

  private func fail(_ number: Int, _ task: ProfilingTask, _ error: String) {
    var task = task
    attempt {
      task.id = try store.begin(task)
      try store.fail(task.id, error: error, endedAt: task.startedAt)
    }
    logTrigger(task, .failed, reason: error)
    replies.send(.failed(number, task.id))
  }

  /// Does what may fail for want of room: watching goes on.
  private func attempt(_ body: () throws -> Void) {
    do {
      try body()
      if unsaved.isEmpty, Clock.monotonic.nanoseconds(since: failedAt) >= Self.troubleEnds { trouble = nil }
    } catch {
      complain(error)
    }
  }

  /// Says what went wrong, once for as long as it does.
  private func complain(_ error: any Error) {
    let sentence = Failure(error).sentence
    failedAt = Clock.monotonic
    guard trouble != sentence else { return }
    trouble = sentence
    say(sentence + "; watching goes on, and tasks wait in memory for room")
  }

  private func say(_ sentence: String) { replies.send(.trouble(sentence)) }
}
