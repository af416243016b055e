import CProbes
import LinuxSystem
import ProfileModel
import Unwinding

/// Puts the sums of an off-CPU capture and the stacks that they name together.
struct IntervalAggregator: RecordConsumer {
  private struct ThreadKey: Hashable {
    let process: ProcessID
    let thread: ThreadID
  }

  private struct Key: Hashable {
    let thread: ThreadKey
    let stack: Int32
    let labels: Int32
  }

  private struct Sum {
    var weight = Weight.zero
    var shortest = UInt64.max
    var longest: UInt64 = 0
  }

  /// A stack as the profile has it.
  private struct Stack {
    /// From root to leaf.
    let path: [Int]
    let end: StackEnd
    let processName: String
    var gil = GILState.unknown
  }

  private var table = LocationTable()
  private var stacks: [UInt64: Stack] = [:]
  private var names: [ThreadKey: OffCPURecord.Thread] = [:]
  private var builder = StackTreeBuilder()
  private var labels = LabelTable()
  private var sums: [Key: Sum] = [:]
  private var compat = CompatProcesses()
  private(set) var account = SampleAccount()
  private(set) var firstRecordAt: MonotonicTime?
  /// The function that wakes threads up, and everything that it calls to record so, is no part of a waker's stack.
  private let wakeUpCode: Range<UInt64>

  init(wakeUpCode: Range<UInt64>) { self.wakeUpCode = wakeUpCode }

  var stackCount: Int { stacks.count }

  mutating func willRead(_ record: OffCPURecord) {
    if firstRecordAt.map({ record.time < $0 }) ?? true { firstRecordAt = record.time }
  }

  mutating func add(_ record: OffCPURecord, tracker: inout ProcessTracker) -> MissingTable? {
    switch record {
    case .thread(let thread):
      note(thread)
      return nil
    case .stack(let stack):
      let path =
        stack.isKernel
        ? table.path(ofKernelStack: ownPart(stack.addresses), end: stack.end, isLeafExact: false)
        : table.path(ofUserStack: stack.merged, end: stack.end, process: stack.process, tracker: &tracker)
      if !stack.isKernel { compat.note(stack.end, of: stack.process, stack.processName) }
      stacks[stack.id] = Stack(path: path, end: stack.end, processName: stack.processName, gil: stack.gil)
      return stack.end.missingTable(of: stack.process, stack: stack.addresses)
    }
  }

  mutating func countMalformed() { account.losses[.recordMalformed, default: 0] += 1 }

  /// The last name of a thread is the one that it is known by.
  mutating func note(_ thread: OffCPURecord.Thread) {
    names[ThreadKey(process: thread.process, thread: thread.thread)] = thread
  }

  private func ownPart(_ addresses: [UInt64]) -> [UInt64] {
    // Our programs and what calls them are a few frames; what lies deeper has nothing to do with them.
    guard let index = addresses.prefix(16).firstIndex(where: wakeUpCode.contains) else { return addresses }
    return Array(addresses[index...])
  }

  /// Adds a sum that the kernel side has kept.
  mutating func add(_ key: swprof_interval_key, _ sum: swprof_interval_sum) {
    add(
      key, user: known(key.user_stack), kernel: known(key.kernel_stack),
      Sum(
        weight: Weight(count: sum.count, nanoseconds: sum.total_ns), shortest: sum.min_ns, longest: sum.max_ns))
  }

  /// Adds what a thread was doing as the capture ended.
  ///
  /// - Parameter userStack: walked for it; nil where its stack was taken before or is not wanted.
  mutating func add(_ row: ThreadAtEnd, userStack: WaitingThreadWalk.Stack?, _ tracker: inout ProcessTracker) {
    guard let interval = row.interval else { return }
    var key = swprof_interval_key()
    key.user_stack = interval.user_stack
    key.kernel_stack = interval.kernel_stack
    key.waker_user_stack = interval.waker_user_stack
    key.waker_kernel_stack = interval.waker_kernel_stack
    key.waker_tgid = interval.waker_tgid
    key.tgid = interval.thread.tgid
    key.tid = interval.thread.tid
    key.state = interval.state
    key.flags = interval.flags
    if let userStack { compat.note(userStack.end, of: row.thread.process, row.thread.processName) }
    let user =
      userStack.map {
        Stack(
          path: table.path(ofUserStack: $0.merged, end: $0.end, process: row.thread.process, tracker: &tracker),
          end: $0.end, processName: row.thread.processName, gil: GILState(rawValue: $0.gil) ?? .unknown)
      } ?? known(interval.user_stack)
    let kernel =
      row.kernelStack.isEmpty
      ? known(interval.kernel_stack)
      : Stack(
        path: table.path(ofKernelStack: row.kernelStack, end: .complete, isLeafExact: false), end: .complete,
        processName: "")
    for (isWanted, phase, length) in [
      (interval.first_wanted, UInt32(interval.phase), interval.first_ns),
      (interval.queued_wanted, UInt32(interval.queued_phase), interval.queued_ns),
    ] where isWanted != 0 {
      key.phase = UInt8(phase)
      account.ticks += 1
      add(
        key, user: user, kernel: kernel,
        Sum(weight: Weight(count: 1, nanoseconds: length), shortest: length, longest: length))
    }
  }

  /// A stack by its number; none where there is none, and a mark where it is lost.
  private mutating func known(_ id: UInt64) -> Stack? {
    if id == UInt64(SWPROF_STACK_ID_NONE) { return nil }
    return stacks[id]
      ?? Stack(path: [table.index(of: .marker(.stackLost))], end: .none, processName: "")
  }

  private mutating func add(_ key: swprof_interval_key, user: Stack?, kernel: Stack?, _ sum: Sum) {
    let flags = Int32(key.flags)
    var path = (user?.path ?? []) + (kernel?.path ?? [])
    let state = WaitState(rawValue: String(UnicodeScalar(key.state)))
    path.append(
      table.index(
        of: .marker(.phase(Phase(key.phase), state, isOpen: flags & SWPROF_INTERVAL_OPEN != 0))))
    path += wakerPath(key)
    let lostStack = table.index(of: .marker(.stackLost))
    if path.contains(lostStack) { account.note(.stackLost, sum.weight.count) }
    account.note(userEnd: user?.end ?? .none, kernelEnd: kernel?.end ?? .none, count: sum.weight.count)
    account.taken += sum.weight.count

    let thread = ThreadKey(
      process: ProcessID(rawValue: Int32(bitPattern: key.tgid)), thread: ThreadID(rawValue: Int32(bitPattern: key.tid)))
    guard let stack = builder.insert(path) else { return }
    let place = Key(thread: thread, stack: stack, labels: labels.number(of: user?.gil.labels ?? .empty))
    var total = sums[place] ?? Sum()
    total.weight += sum.weight
    total.shortest = min(total.shortest, sum.shortest)
    total.longest = max(total.longest, sum.longest)
    sums[place] = total
  }

  /// The waker above the sleeper, its leaf at the bottom and its root on top.
  private mutating func wakerPath(_ key: swprof_interval_key) -> [Int] {
    let isInterrupt = Int32(key.flags) & SWPROF_INTERVAL_INTERRUPT != 0
    guard isInterrupt || key.waker_tgid != 0 || key.waker_kernel_stack != 0 else { return [] }
    let user = known(key.waker_user_stack)
    let kernel = known(key.waker_kernel_stack)
    var path = [table.index(of: .marker(.wokenBy))]
    path += (kernel?.path ?? []).reversed() + (user?.path ?? []).reversed()
    if isInterrupt {
      path.append(table.index(of: .marker(.interrupt)))
    } else {
      path.append(table.index(of: .marker(.waker(wakerName(key.waker_tgid, user)))))
    }
    return path
  }

  private func wakerName(_ process: UInt32, _ user: Stack?) -> String {
    if let name = user?.processName, !name.isEmpty { return name }
    if process == 0 { return "[idle task]" }
    let process = ProcessID(rawValue: Int32(bitPattern: process))
    return (try? ProcessTable.name(of: process)) ?? "[process \(process)]"
  }

  /// Adds what was counted and not recorded.
  ///
  /// - Parameter counts: by `enum swprof_sum_index`.
  mutating func close(
    _ counts: [swprof_sum], missedWakeUps: UInt64, missedSwitches: UInt64, threadsNotFollowed: UInt64,
    threadNamesLost: UInt64
  ) {
    func count(_ index: swprof_sum_index, _ offset: UInt32 = 0) -> swprof_sum { counts[Int(index.rawValue + offset)] }
    account.ticks += count(SWPROF_SUM_WANTED).count
    let lost = count(SWPROF_SUM_TABLE_FULL)
    if lost.count > 0 { account.losses[.intervalTableFull] = lost.count }
    account.lostNanoseconds += lost.ns
    for phase in Phase.allCases {
      let leftOut = count(SWPROF_SUM_LEFT_OUT, phase.number.rawValue)
      if leftOut.count > 0 { account.leftOut[phase] = Weight(count: leftOut.count, nanoseconds: leftOut.ns) }
    }
    account.note(.wakeupMissed, missedWakeUps)
    account.note(.switchMissed, missedSwitches)
    account.note(.threadTableFull, threadsNotFollowed)
    account.note(.threadNameLost, threadNamesLost)
  }

  func rawProfile(sources: [CodeSource]) -> RawProfile {
    var threads: [ProfiledThread] = []
    var indices: [ThreadKey: Int] = [:]
    let values = sums.map { key, sum in
      let thread =
        indices[key.thread]
        ?? {
          threads.append(self.thread(key.thread))
          indices[key.thread] = threads.count - 1
          return threads.count - 1
        }()
      return Profile.Value(
        thread: thread, stack: key.stack, labels: key.labels, weight: sum.weight,
        extremes: sum.shortest <= sum.longest ? sum.shortest...sum.longest : nil)
    }
    return RawProfile(
      sources: sources, locations: table.locations, runtimeFrames: table.runtimeFrames, threads: threads,
      stacks: builder.tree, labels: labels,
      values: values.sorted { ($0.thread, $0.stack, $0.labels) < ($1.thread, $1.stack, $1.labels) }, account: account,
      warnings: compat.warnings)
  }

  private func thread(_ key: ThreadKey) -> ProfiledThread {
    let names = names[key]
    return ProfiledThread(
      process: key.process, thread: key.thread, processName: names?.processName ?? "process \(key.process)",
      name: names?.name ?? "thread \(key.thread)")
  }
}

extension Phase {
  /// A phase as the kernel side counts them.
  init(_ number: UInt8) {
    switch swprof_phase(UInt32(number)) {
    case SWPROF_PHASE_RUN_QUEUE: self = .runQueue
    case SWPROF_PHASE_PREEMPTED: self = .preempted
    case SWPROF_PHASE_YIELDED: self = .yielded
    case SWPROF_PHASE_THROTTLED: self = .throttled
    default: self = .blocked
    }
  }

  var number: swprof_phase {
    switch self {
    case .blocked: SWPROF_PHASE_BLOCKED
    case .runQueue: SWPROF_PHASE_RUN_QUEUE
    case .preempted: SWPROF_PHASE_PREEMPTED
    case .yielded: SWPROF_PHASE_YIELDED
    case .throttled: SWPROF_PHASE_THROTTLED
    }
  }
}
