import CProbes
package import LinuxSystem
package import ProfileModel
import Unwinding

/// A place in code that stacks go through, before it has a name.
package enum Location: Hashable, Sendable {
  /// An address of a source; return addresses have been moved into the call.
  case code(source: SourceIndex, address: UInt64)
  case marker(Marker)
  /// A frame of a runtime: an index into `RawProfile.runtimeFrames`, so that native code takes no more room.
  case runtime(Int32)

  package enum Marker: Hashable, Sendable {
    /// The frames towards the root are missing.
    case truncated(Truncation)
    /// Between code that nothing describes and the caller that was guessed for it.
    case guessedCaller
    /// Between two frames, where a caller may be missing.
    case doubtedCaller
    /// A sample of which the asked side has no stack: taken in user mode with `--kernel`.
    case userMode
    /// A kernel stack that could not be read.
    case noKernelStack
    /// A stack that did not reach user space, or was not there any more.
    case stackLost
    /// What a thread was doing instead of running; `isOpen` where the wait began before the capture or outlasted it.
    case phase(Phase, WaitState?, isOpen: Bool)
    /// At the root of what was recorded before a task was started.
    case beforeTrigger
    /// Between the stack of a sleeper and that of its waker.
    case wokenBy
    /// Who ended a wait: the name of a process.
    case waker(String)
    /// An interrupt that ended a wait.
    case interrupt
    /// Beside Python frames.
    case python(PythonMarker)
    /// At the root of the frames of an asyncio task; nil for one that was given no name.
    case pythonTask(String?)
    /// Before a task that several tasks await: how many.
    case pythonWaiters(UInt64)

    /// What is to be told of the Python frames of a stack.
    package enum PythonMarker: String, Hashable, Sendable, CaseIterable {
      /// The frames towards the root are missing.
      case truncated = "[python: truncated]"
      /// The same: memory could not be read.
      case unreadable = "[python: unreadable]"
      /// The Python frames towards the root belong among the native ones towards the leaf.
      case notMerged = "[python|native not merged]"
      /// The thread collects garbage.
      case collecting = "[python: garbage collection]"
      /// Tasks that await the next one are missing.
      case tasksTruncated = "[python: tasks truncated]"
    }

    /// What stands for it in a stack.
    package var frame: Frame {
      switch self {
      case .truncated(let reason): .truncated(reason)
      case .guessedCaller: Frame(function: "[guessed caller]", origin: .marker)
      case .doubtedCaller: Frame(function: "[caller may be missing]", origin: .marker)
      case .userMode: Frame(function: "[user mode]", origin: .marker)
      case .noKernelStack: Frame(function: "[kernel stack unreadable]", origin: .marker)
      case .stackLost: Frame(function: "[stack lost]", origin: .marker)
      case .phase(let phase, let state, let isOpen):
        Frame(function: Self.label(phase, state, isOpen: isOpen), origin: .marker)
      case .beforeTrigger: Frame(function: "[before the trigger]", origin: .marker)
      case .wokenBy: Frame(function: "--", origin: .marker)
      case .waker(let name): Frame(function: name, origin: .marker)
      case .interrupt: Frame(function: "[interrupt]", origin: .marker)
      case .python(let marker): Frame(function: marker.rawValue, origin: .marker)
      case .pythonTask(let name): Frame(function: name.map { "[task: \($0)]" } ?? "[task]", origin: .marker)
      case .pythonWaiters(let count): Frame(function: "[\(count) waiters]", origin: .marker)
      }
    }

    /// `[blocked]`, `[blocked: uninterruptible, open]`, `[run queue]`.
    private static func label(_ phase: Phase, _ state: WaitState?, isOpen: Bool) -> String {
      var words =
        switch phase {
        case .blocked: "blocked"
        case .runQueue: "run queue"
        case .preempted: "preempted"
        case .yielded: "yielded"
        case .throttled: "throttled"
        }
      if phase == .blocked, let state, state != .interruptible { words += ": \(state.name)" }
      return "[\(words)\(isOpen ? ", open" : "")]"
    }
  }
}

/// What a capture has recorded: stacks of addresses, where those come from, and the account.
package struct RawProfile: Sendable {
  package var sources: [CodeSource]
  /// The frames of `stacks`.
  package var locations: [Location]
  package var runtimeFrames: [RuntimeFrame] = []
  /// What was read of them while their processes lived.
  package var runtimeNames: [RuntimeFrame: RuntimeName] = [:]
  package var threads: [ProfiledThread]
  package var stacks: StackTree
  /// The label sets of `values`.
  package var labels = LabelTable()
  package var values: [Profile.Value]
  /// When the samples of `values` were taken; nil where only their sums are known.
  package var timeline: Timeline?
  package var account: SampleAccount
  package var warnings: [String]
  /// Of code without a file.
  package var codeRegions = CodeRegions()
}

/// Numbers for locations, in the order in which they first come.
struct LocationTable {
  private(set) var locations: [Location] = []
  private var indices: [Location: Int] = [:]
  private(set) var runtimeFrames: [RuntimeFrame] = []
  private var runtimeIndices: [RuntimeFrame: Int32] = [:]
  private var taskNames: Set<String> = []

  /// Programs may give each task a name of its own. Those that come later share a frame, `[task: …]`.
  private static let maximumTaskNames = 256

  mutating func index(of location: Location) -> Int {
    if let known = indices[location] { return known }
    locations.append(location)
    indices[location] = locations.count - 1
    return locations.count - 1
  }

  mutating func index(of frame: RuntimeFrame) -> Int {
    if let known = runtimeIndices[frame] { return index(of: .runtime(known)) }
    let number = Int32(runtimeFrames.count)
    runtimeFrames.append(frame)
    runtimeIndices[frame] = number
    return index(of: .runtime(number))
  }

  /// The number of a location that another table has.
  mutating func index(of number: Int, in other: LocationTable) -> Int {
    let location = other.locations[number]
    guard case .runtime(let frame) = location else { return index(of: location) }
    return index(of: other.runtimeFrames[Int(frame)])
  }

  /// The path of a user stack from its root to its leaf.
  mutating func path(
    ofUserStack stack: [UInt64], end: StackEnd, process: ProcessID, tracker: inout ProcessTracker
  ) -> [Int] {
    var path: [Int] = []
    path.reserveCapacity(stack.count + 1)
    if let reason = end.truncation {
      path.append(index(of: .marker(.truncated(reason))))
      if end.mayLackMappings { tracker.doubtMappings(of: process) }
    }
    for frame in UserFrames(stack) {
      switch frame {
      case .marker(.pythonTask(let name?)): path.append(index(of: .marker(.pythonTask(known(name)))))
      case .marker(let marker): path.append(index(of: .marker(marker)))
      case .code(let address, let isLeaf):
        // A return address may lie behind the function that made the call.
        let place = tracker.locate(isLeaf ? address : address &- 1, in: process)
        path.append(index(of: .code(source: place.source, address: place.address)))
      case .runtime(let runtime, let object, let position):
        let frame = RuntimeFrame(
          runtime: runtime, process: process, programStart: tracker.space(of: process)?.programStart ?? 0,
          object: object, position: position)
        tracker.pythonNames.note(frame)
        path.append(index(of: frame))
      }
    }
    return path
  }

  /// The name of a task if there is room for it.
  private mutating func known(_ name: String) -> String {
    guard !taskNames.contains(name) else { return name }
    guard taskNames.count < Self.maximumTaskNames else { return "…" }
    taskNames.insert(name)
    return name
  }

  /// The path of a kernel stack from its root to its leaf.
  ///
  /// - Parameter isLeafExact: whether the innermost address is an instruction pointer, not a return address.
  mutating func path(ofKernelStack stack: [UInt64], end: StackEnd, isLeafExact: Bool = true) -> [Int] {
    var path: [Int] = []
    switch end.truncation {
    case nil: break
    case .unreadable: path.append(index(of: .marker(.noKernelStack)))
    case let reason?: path.append(index(of: .marker(.truncated(reason))))
    }
    for (depth, address) in stack.enumerated().reversed() {
      let place = depth == 0 && isLeafExact ? address : address &- 1
      path.append(index(of: .code(source: CodeSources.kernel, address: place)))
    }
    return path
  }
}

/// Sums samples by thread, stack and labels.
struct SampleAggregator: RecordConsumer {
  private struct Key: Hashable {
    let thread: Int
    let stack: Int32
    let labels: Int32

    static func precedes(_ left: Key, _ right: Key) -> Bool {
      (left.thread, left.stack, left.labels) < (right.thread, right.stack, right.labels)
    }
  }

  /// A sample whose stack is still to be walked.
  private struct Unwalked {
    let sample: SampleRecord
    let labels: Int32
    /// What its process had mapped.
    let space: AddressSpace
  }

  private var table = LocationTable()
  private var threads: [ProfiledThread] = []
  private var threadIndices: [ProfiledThread: Int] = [:]
  private var builder = StackTreeBuilder()
  private var counts: [Key: UInt64] = [:]
  private var slots = SlotCounts<Key>()
  private var compat = CompatProcesses()
  private let startedAt: MonotonicTime
  private(set) var account = SampleAccount()
  /// The time of the earliest sample that was read.
  private(set) var firstSampleAt: MonotonicTime?
  /// Called with each sample as it is read.
  var observe: ((SampleRecord) -> Void)?
  /// What labels a sample, asked once as it is read; nil where none are known.
  var label: ((SampleRecord) -> LabelSet)?
  private var labels = LabelTable()
  private let labelSetLimit: Int
  /// Samples that lost their labels, because there were too many sets.
  private var unlabeledCount: UInt64 = 0
  private var unwalked: [Unwalked] = []
  private var unwalkedWords = 0
  /// 32 MiB; further samples stay cut short.
  private static let maximumUnwalkedWords = 1 << 22

  /// - Parameter labelSetLimit: the number of label sets at which new ones are left out: they come from the target.
  init(startedAt: MonotonicTime = MonotonicTime(nanoseconds: 0), labelSetLimit: Int = 1 << 16) {
    self.startedAt = startedAt
    self.labelSetLimit = labelSetLimit
  }

  mutating func willRead(_ sample: SampleRecord) {
    if firstSampleAt.map({ sample.time < $0 }) ?? true { firstSampleAt = sample.time }
    observe?(sample)
  }

  @discardableResult
  mutating func add(_ sample: SampleRecord, tracker: inout ProcessTracker) -> MissingTable? {
    var labels: Int32 = 0
    if let label { labels = number(of: label(sample)) }
    if let copy = sample.stackCopy, let space = tracker.space(of: sample.process),
      unwalkedWords + copy.words.count <= Self.maximumUnwalkedWords
    {
      unwalked.append(Unwalked(sample: sample, labels: labels, space: space))
      unwalkedWords += copy.words.count
    } else {
      sum(sample, labels, tracker: &tracker)
    }
    return sample.userEnd.missingTable(of: sample.process, stack: sample.nativeStack)
  }

  /// The number of a label set; 0 where there are too many.
  private mutating func number(of set: LabelSet) -> Int32 {
    if let number = labels.number(of: set, limit: labelSetLimit) { return number }
    unlabeledCount += 1
    return 0
  }

  private mutating func sum(_ sample: SampleRecord, _ labels: Int32, tracker: inout ProcessTracker) {
    var path = table.path(
      ofUserStack: sample.userStack, end: sample.userEnd, process: sample.process, tracker: &tracker)
    path += table.path(ofKernelStack: sample.kernelStack, end: sample.kernelEnd)
    if path.isEmpty { path.append(table.index(of: .marker(.userMode))) }

    account.note(userEnd: sample.userEnd, kernelEnd: sample.kernelEnd, count: 1)
    compat.note(sample.userEnd, of: sample.process, sample.processName)
    if let stack = builder.insert(path) {
      let key = Key(thread: index(of: sample.profiledThread), stack: stack, labels: labels)
      counts[key, default: 0] += 1
      slots.add(key, elapsedNanoseconds: sample.time.nanoseconds(since: startedAt))
      account.taken += 1
    }
  }

  mutating func countMalformed() {
    account.losses[.recordMalformed, default: 0] += 1
  }

  /// Adds the samples for whose stacks a table was not ready, when no more records come.
  ///
  /// - Parameter isTimeLeft: whether more may be walked; what is left then stays cut short.
  mutating func addUnwalked(_ tracker: inout ProcessTracker, while isTimeLeft: () -> Bool) {
    let walk = WaitingThreadWalk(usesTables: true)
    for waiting in unwalked {
      let (sample, space) = (waiting.sample, waiting.space)
      var walked = sample.walked(sample.nativeStack, sample.pythonStack, sample.userEnd)
      if let copy = sample.stackCopy, isTimeLeft() {
        let stack = walk.walk(copy, python: sample.pythonStack, space.regions, tracker.sources)
        // The copy is the top of the stack alone.
        walked = sample.walked(stack.frames, stack.python, stack.end == .unreadable ? sample.userEnd : stack.end)
      }
      tracker.withSpace(space, of: sample.process) { sum(walked, waiting.labels, tracker: &$0) }
    }
    unwalked = []
    unwalkedWords = 0
  }

  /// - Parameter period: what one sample stands for, in ns.
  func rawProfile(sources: [CodeSource], periodNanoseconds period: UInt64) -> RawProfile {
    let sums = counts.sorted { Key.precedes($0.key, $1.key) }
    let places = Dictionary(uniqueKeysWithValues: sums.enumerated().map { ($1.key, $0) })
    let values = sums.map { key, count in
      Profile.Value(
        thread: key.thread, stack: key.stack, labels: key.labels,
        weight: Weight(count: count, nanoseconds: count * period))
    }
    return RawProfile(
      sources: sources, locations: table.locations, runtimeFrames: table.runtimeFrames, threads: threads,
      stacks: builder.tree, labels: labels, values: values, timeline: slots.timeline { places[$0] },
      account: account, warnings: compat.warnings + labelWarnings)
  }

  private var labelWarnings: [String] {
    unlabeledCount == 0
      ? [] : ["\(unlabeledCount) samples lost their labels: there are more than \(labelSetLimit) sets of labels"]
  }

  private mutating func index(of thread: ProfiledThread) -> Int {
    if let known = threadIndices[thread] { return known }
    threads.append(thread)
    threadIndices[thread] = threads.count - 1
    return threads.count - 1
  }
}

extension SampleAccount {
  /// Notes what stacks that a number of samples had lack.
  mutating func note(userEnd: StackEnd, kernelEnd: StackEnd, count: UInt64) {
    if let reason = userEnd.truncation { note(reason.defect, count) }
    switch kernelEnd.truncation {
    case nil: break
    case .tooDeep: note(.kernelStackTooDeep, count)
    default: note(.kernelStackUnreadable, count)
    }
  }
}

extension StackEnd {
  /// The table that a walk which ended so has missed.
  func missingTable(of process: ProcessID, stack: [UInt64]) -> MissingTable? {
    guard self == .notReady, let last = stack.last else { return nil }
    return MissingTable(process: process, address: stack.count == 1 ? last : last &- 1)
  }
}
