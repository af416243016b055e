package import LinuxSystem
package import ProfileModel

/// A place in code that stacks go through, before it has a name.
package enum Location: Hashable, Sendable {
  /// An address of a source; return addresses have been moved into the call.
  case code(source: SourceIndex, address: UInt64)
  case marker(Marker)

  package enum Marker: Hashable, Sendable {
    /// The frames towards the root are missing.
    case truncated(Truncation)
    /// A sample of which the asked side has no stack: taken in user mode with `--kernel`.
    case userMode
    /// A kernel stack that could not be read.
    case noKernelStack

    /// What stands for it in a stack.
    package var frame: Frame {
      switch self {
      case .truncated(let reason): .truncated(reason)
      case .userMode: Frame(function: "[user mode]", origin: .marker)
      case .noKernelStack: Frame(function: "[kernel stack unreadable]", origin: .marker)
      }
    }
  }
}

/// What a capture has recorded: stacks of addresses, where those come from, and the account.
package struct RawProfile: Sendable {
  package var sources: [CodeSource]
  /// The frames of `stacks`.
  package var locations: [Location]
  package var threads: [ProfiledThread]
  package var stacks: StackTree
  package var values: [Profile.Value]
  package var account: SampleAccount
  package var warnings: [String]
}

/// Sums samples by thread and stack.
struct SampleAggregator {
  private struct Key: Hashable {
    let thread: Int
    let stack: Int32
  }

  private var locations: [Location] = []
  private var locationIndices: [Location: Int] = [:]
  private var threads: [ProfiledThread] = []
  private var threadIndices: [ProfiledThread: Int] = [:]
  private var builder = StackTreeBuilder()
  private var counts: [Key: UInt64] = [:]
  private(set) var account = SampleAccount()

  mutating func add(_ sample: SampleRecord, tracker: inout ProcessTracker) {
    var path: [Int] = []
    path.reserveCapacity(sample.userStack.count + sample.kernelStack.count + 1)
    if let reason = sample.userEnd.truncation { path.append(index(of: .marker(.truncated(reason)))) }
    for (depth, address) in sample.userStack.enumerated().reversed() {
      // A return address may lie behind the function that made the call.
      let place = tracker.locate(depth == 0 ? address : address &- 1, in: sample.process)
      path.append(index(of: .code(source: place.source, address: place.address)))
    }
    switch sample.kernelEnd.truncation {
    case nil: break
    case .unreadable: path.append(index(of: .marker(.noKernelStack)))
    case let reason?: path.append(index(of: .marker(.truncated(reason))))
    }
    for (depth, address) in sample.kernelStack.enumerated().reversed() {
      path.append(index(of: .code(source: CodeSources.kernel, address: depth == 0 ? address : address &- 1)))
    }
    if path.isEmpty { path.append(index(of: .marker(.userMode))) }

    note(sample.userEnd, sample.kernelEnd)
    guard let stack = builder.insert(path) else { return }
    counts[Key(thread: index(of: thread(of: sample)), stack: stack), default: 0] += 1
    account.taken += 1
  }

  mutating func countMalformed() {
    account.losses[.recordMalformed, default: 0] += 1
  }

  /// - Parameter period: what one sample stands for, in ns.
  func values(periodNanoseconds period: UInt64) -> [Profile.Value] {
    counts.map { key, count in
      Profile.Value(
        thread: key.thread, stack: key.stack, weight: Weight(count: count, nanoseconds: count * period))
    }
    .sorted { ($0.thread, $0.stack) < ($1.thread, $1.stack) }
  }

  func rawProfile(sources: [CodeSource], periodNanoseconds period: UInt64) -> RawProfile {
    RawProfile(
      sources: sources, locations: locations, threads: threads, stacks: builder.tree,
      values: values(periodNanoseconds: period), account: account, warnings: [])
  }

  private mutating func note(_ userEnd: StackEnd, _ kernelEnd: StackEnd) {
    if let reason = userEnd.truncation { account.defects[reason.defect, default: 0] += 1 }
    switch kernelEnd.truncation {
    case nil: break
    case .tooDeep: account.defects[.kernelStackTooDeep, default: 0] += 1
    default: account.defects[.kernelStackUnreadable, default: 0] += 1
    }
  }

  private func thread(of sample: SampleRecord) -> ProfiledThread {
    ProfiledThread(
      process: sample.process, thread: sample.thread, processName: sample.processName, name: sample.threadName)
  }

  private mutating func index(of location: Location) -> Int {
    if let known = locationIndices[location] { return known }
    locations.append(location)
    locationIndices[location] = locations.count - 1
    return locations.count - 1
  }

  private mutating func index(of thread: ProfiledThread) -> Int {
    if let known = threadIndices[thread] { return known }
    threads.append(thread)
    threadIndices[thread] = threads.count - 1
    return threads.count - 1
  }
}
