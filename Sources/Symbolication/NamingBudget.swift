import Glibc
import LinuxSystem
import Synchronization

/// What naming may cost, and who may end it early.
///
/// Files belong to the targets, which may be hostile, and honest debugging information may have gigabytes. What is left
/// out is said for each file.
package final class NamingBudget: Sendable {
  /// For the debugging information of one file: CPU time, in ns. A gigabyte of it, the most that is read, takes less.
  package static let fileNanoseconds: UInt64 = 10_000_000_000
  /// For the debugging information of all files together. Symbol tables are read all the same.
  package static let totalNanoseconds: UInt64 = 40_000_000_000
  /// For demanglers, which are asked for a name at a time: time that passes, in ns, for the names of one file, for those
  /// of all files of one owner, and for those of all owners but root.
  package static let fileDemanglingNanoseconds: UInt64 = 1_500_000_000
  package static let demanglingNanoseconds: UInt64 = 5_000_000_000
  package static let allDemanglingNanoseconds: UInt64 = 20_000_000_000

  let fileLimit: UInt64
  let totalLimit: UInt64
  private let spent = Atomic<UInt64>(0)
  private let interruption: @Sendable () -> Bool

  /// - Parameter isInterrupted: asked often, from any thread: whether to come to an end with what there is.
  package init(
    fileLimit: UInt64 = fileNanoseconds, totalLimit: UInt64 = totalNanoseconds,
    isInterrupted: @escaping @Sendable () -> Bool = { false }
  ) {
    self.fileLimit = fileLimit
    self.totalLimit = totalLimit
    interruption = isInterrupted
  }

  package var isInterrupted: Bool { interruption() }

  var left: UInt64 {
    let spent = spent.load(ordering: .relaxed)
    return totalLimit - min(totalLimit, spent)
  }

  func spend(_ nanoseconds: UInt64) { spent.add(nanoseconds, ordering: .relaxed) }
}

/// The part of a budget that one step of naming one file may use, in one thread.
struct NamingMeter {
  /// Why a step was given up.
  enum Stop: Equatable {
    case interrupted
    /// The CPU time of the file, or of all files, is used up.
    case time
    /// There is more to look at than any honest file has.
    case work
  }

  private let budget: NamingBudget
  private let start: UInt64
  private let limit: UInt64
  private var workLeft: Int
  private var untilLook = 0
  /// Why no more is to be done; nil while there is something left.
  private(set) var stop: Stop?

  /// A look at the clock costs as much as some units.
  private static let unitsPerLook = 64

  /// - Parameters:
  ///   - hasTimeLimit: whether the time counts; it does not for symbol tables, whose size bounds the work.
  ///   - work: how many units of work may be done: entries, ranges, matches.
  init(_ budget: NamingBudget, hasTimeLimit: Bool, work: Int = .max) {
    self.budget = budget
    start = Clock.threadCPUNanoseconds
    limit = hasTimeLimit ? min(budget.fileLimit, budget.left) : .max
    workLeft = work
    if hasTimeLimit, limit == 0 { stop = .time }
  }

  /// Takes units of work.
  ///
  /// - Returns: whether the work may be done.
  mutating func spend(_ units: Int = 1) -> Bool {
    guard stop == nil else { return false }
    guard units <= workLeft else {
      stop = .work
      return false
    }
    workLeft -= units
    untilLook -= units
    return untilLook > 0 || look()
  }

  /// Looks at the clock and at whether somebody wants an end.
  mutating func look() -> Bool {
    untilLook = Self.unitsPerLook
    if stop == nil, budget.isInterrupted { stop = .interrupted }
    if stop == nil, limit < .max, elapsed >= limit { stop = .time }
    return stop == nil
  }

  private var elapsed: UInt64 {
    let now = Clock.threadCPUNanoseconds
    return now - min(now, start)
  }

  /// Takes what was used from what all files have.
  func close() { budget.spend(elapsed) }
}
