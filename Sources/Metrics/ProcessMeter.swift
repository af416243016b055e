import Glibc
import LinuxSystem
import ProfileModel

/// What is known of a process each second, whatever the rules look at.
package struct BasicValues: Equatable, Sendable {
  /// In percent of one core; NaN before the second sample.
  package var cpu: Double
  package var threads: Double
  /// In MiB.
  package var residentSize: Double

  package init(cpu: Double = .nan, threads: Double = .nan, residentSize: Double = .nan) {
    self.cpu = cpu
    self.threads = threads
    self.residentSize = residentSize
  }
}

/// Measures one process.
struct ProcessMeter {
  private let process: ProcessID
  private let stat: OpenFile
  private var cpuNanoseconds: UInt64?
  private var ioWaitTicks: UInt64?
  /// How many samples ago its `stat` was read, as it has not run since.
  private var idleSamples = 0
  private var slices: [Int32: Slices] = [:]
  private(set) var basic = BasicValues()
  /// In percent of the time.
  private(set) var ioWait = Double.nan
  private(set) var contextSwitches = Double.nan
  private(set) var runQueueLatency = Double.nan

  /// What a thread has done since it began (Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat").
  private struct Slices {
    var waitNanoseconds: UInt64
    var count: UInt64
  }

  private static let longestIdle = 10
  private static let pageSize = Double(Host.pageSize)
  private static let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))

  /// - Parameter isNew: whether it has begun since the last sample, so that all its CPU time is of this second.
  init?(_ process: ProcessID, isNew: Bool) {
    guard let stat = try? OpenFile("/proc/\(process)/stat") else { return nil }
    self.process = process
    self.stat = stat
    cpuNanoseconds = isNew ? 0 : nil
    ioWaitTicks = isNew ? 0 : nil
  }

  /// - Returns: whether the process is still there.
  mutating func sample(elapsedNanoseconds elapsed: UInt64, buffer: inout ProcBuffer, withThreads: Bool) -> Bool {
    guard let used = Clock.cpuNanoseconds(of: process) else { return false }
    if used == cpuNanoseconds, !basic.threads.isNaN, idleSamples < Self.longestIdle {
      idleSamples += 1
      noteIdle()
      return true
    }
    idleSamples = 0
    guard buffer.read(stat), let start = buffer.endOfName else { return false }
    if let before = cpuNanoseconds, elapsed > 0 {
      basic.cpu = Double(used - min(used, before)) / Double(elapsed) * 100
    }
    cpuNanoseconds = used
    // Fields 20, 24 and 42 of proc_pid_stat(5), counted from field 3 on: threads, resident pages, delay in ticks.
    let numbers = buffer.numbers(from: start, fields: [17, 21, 39])
    guard numbers.count == 3 else { return false }
    basic.threads = Double(numbers[0])
    basic.residentSize = Double(numbers[1]) * Self.pageSize / 1_048_576
    if let before = ioWaitTicks, elapsed > 0 {
      ioWait = Double(numbers[2] - min(numbers[2], before)) / Self.ticksPerSecond * 1e9 / Double(elapsed) * 100
    }
    ioWaitTicks = numbers[2]
    if withThreads { sampleThreads(&buffer) }
    return true
  }

  /// Who has not run has made no thread, waited for no device and touched no page: only what the kernel takes away from
  /// its memory may have changed.
  private mutating func noteIdle() {
    basic.cpu = 0
    if !ioWait.isNaN { ioWait = 0 }
    if !slices.isEmpty { (contextSwitches, runQueueLatency) = (0, .nan) }
  }

  /// Reads a file for each thread: only where a rule asks for it.
  private mutating func sampleThreads(_ buffer: inout ProcBuffer) {
    var now: [Int32: Slices] = [:]
    var (wait, count): (UInt64, UInt64) = (0, 0)
    for thread in (try? ProcessTable.threads(of: process)) ?? [] {
      guard let file = try? OpenFile("/proc/\(process)/task/\(thread)/schedstat"), buffer.read(file) else { continue }
      let numbers = buffer.numbers(fields: [1, 2])
      guard numbers.count == 2 else { continue }
      let total = Slices(waitNanoseconds: numbers[0], count: numbers[1])
      now[thread.rawValue] = total
      guard let before = slices[thread.rawValue] else { continue }
      wait += total.waitNanoseconds - min(total.waitNanoseconds, before.waitNanoseconds)
      count += total.count - min(total.count, before.count)
    }
    let isFirst = slices.isEmpty
    slices = now
    guard !isFirst else { return }
    contextSwitches = Double(count)
    runQueueLatency = count > 0 ? Double(wait) / Double(count) / 1e6 : .nan
  }
}
