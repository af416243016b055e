import Foundation
import LinuxSystem
import Metrics
import Policies
import ProfileModel
import Testing

@Suite struct MetricReaderTests {
  private static let own = UserNames().read(ProcessTable.own)

  @Test func `what is known of a process is what /proc says`() throws {
    let own = try #require(Self.own)

    #expect(own.key.process == ProcessTable.own)
    #expect(own.key.startTicks > 0)
    #expect(own.executable == (try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")))
    #expect(own.commandLine.contains("MetricsTests") || !own.commandLine.isEmpty)
    #expect(own.userID == geteuid())
    #expect(own.cgroup.hasPrefix("/"))
  }

  @Test func `the CPU share of a second is that of the scheduler's clock, and over a hundred for more threads`() throws
  {
    let own = try #require(Self.own)
    var reader = MetricReader(measures: [Measure(.processCPU), Measure(.processThreadCount), Measure(.processRSS)])
    #expect(reader.sample([own], now: Clock.monotonic, bootNow: Clock.boot) == [])
    #expect(reader.values(of: own.key)[0].isNaN)
    let start = Clock.monotonic
    let before = try #require(Clock.cpuNanoseconds(of: own.key.process))
    var sum: UInt64 = 1
    while Clock.monotonic.nanoseconds(since: start) < 300_000_000 { sum = sum &* 31 &+ 7 }
    let used = try #require(Clock.cpuNanoseconds(of: own.key.process)) - before
    let elapsed = Clock.monotonic.nanoseconds(since: start)
    #expect(reader.sample([own], now: Clock.monotonic, bootNow: Clock.boot) == [])

    let values = reader.values(of: own.key)

    // Other tests run in other threads of this process meanwhile; a tick is 10 ms at most.
    #expect(abs(values[0] - Double(used) / Double(elapsed) * 100) < 20, "\(values[0]), \(sum)")
    #expect(values[1] >= 1)
    #expect(values[2] > 1)
  }

  @Test func `CPU time from before a suspend is not that of the first second`() throws {
    let own = try #require(Self.own)
    var reader = MetricReader(measures: [Measure(.processCPU)])
    // The monotonic clock has stood still for nearly all the time since the boot: this process began "after" it.
    let now = MonotonicTime(nanoseconds: 1_000_000_000)
    try #require(own.key.startTicks * Host.nanosecondsPerTick > now.nanoseconds)
    _ = reader.sample([], now: now, bootNow: Clock.boot)
    _ = reader.sample([own], now: now + 1_000_000_000, bootNow: Clock.boot)

    #expect(reader.values(of: own.key)[0].isNaN)
  }

  @Test func `all CPU time of a process that began within the second is of that second`() throws {
    let own = try #require(Self.own)
    var reader = MetricReader(measures: [Measure(.processCPU)])
    let before = BootTime(nanoseconds: (own.key.startTicks - 1) * Host.nanosecondsPerTick)
    _ = reader.sample([], now: MonotonicTime(nanoseconds: 1), bootNow: before)
    _ = reader.sample([own], now: MonotonicTime(nanoseconds: 1_000_000_001), bootNow: Clock.boot)

    #expect(reader.values(of: own.key)[0] > 0)
  }

  @Test func `a process that has ended is told`() {
    var reader = MetricReader(measures: [Measure(.processCPU)])
    // The highest number of a process is 2^22 (PID_MAX_LIMIT).
    let nobody = WatchedProcess(key: ProcessKey(process: ProcessID(rawValue: 1 << 22), startTicks: 1), name: "nobody")

    #expect(reader.sample([nobody], now: Clock.monotonic, bootNow: Clock.boot) == [nobody.key])
    #expect(reader.values(of: nobody.key) == [])
  }

  @Test func `threads' switches and waits are counted where a rule asks for them`() throws {
    let own = try #require(Self.own)
    var reader = MetricReader(measures: [Measure(.contextSwitches), Measure(.systemLoad)])
    _ = reader.sample([own], now: Clock.monotonic, bootNow: Clock.boot)
    for _ in 0..<20 { usleep(1000) }
    _ = reader.sample([own], now: Clock.monotonic, bootNow: Clock.boot)

    #expect(reader.values(of: own.key)[0] >= 20)
    #expect(reader.values(of: own.key)[1] >= 0)
  }

  @Test func `an answer whose end was not seen counts for the rate of errors, and not for times`() throws {
    let own = try #require(Self.own)
    var times = LatencyHistogram()
    for _ in 0..<2 { times.add(nanoseconds: 10_000_000) }
    let total = HTTPEndpointTotal(
      process: own.key.process, path: "/", finished: 8, serverErrors: 4, clientErrors: 0, times: times)
    let endless = HTTPEndpointTotal(
      process: own.key.process, path: "/", finished: 12, serverErrors: 8, clientErrors: 0, times: times)
    var answers = [total]
    var reader = MetricReader(
      measures: [Measure(.httpErrorRate), Measure(.httpAverageResponseTime), Measure(.httpRequestRate)],
      http: { _ in answers })

    _ = reader.sample([own], answering: [own.key.process], now: Clock.monotonic, bootNow: Clock.boot)
    #expect(reader.values(of: own.key) == [50, 10, 8])
    #expect(reader.requests(of: own.key)?.timed == 2)
    answers = [endless]
    _ = reader.sample([own], answering: [own.key.process], now: Clock.monotonic, bootNow: Clock.boot)

    // The time of none of those is known.
    let values = reader.values(of: own.key)
    #expect(values[0] == 100 && values[1].isNaN && values[2] == 4)
  }

  @Test func `requests count for the second they were answered in, filtered by path`() throws {
    let own = try #require(Self.own)
    func total(_ path: String, _ finished: UInt64, _ serverErrors: UInt64, _ clientErrors: UInt64, ms: UInt64)
      -> HTTPEndpointTotal
    {
      var times = LatencyHistogram()
      for _ in 0..<finished { times.add(nanoseconds: ms * 1_000_000) }
      return HTTPEndpointTotal(
        process: own.key.process, path: path, finished: finished, serverErrors: serverErrors,
        clientErrors: clientErrors, times: times)
    }
    let seconds = [
      [total("/api/a", 10, 2, 1, ms: 10)],
      [total("/api/a", 20, 3, 6, ms: 10), total("/cart", 10, 0, 0, ms: 100)],
      [total("/api/a", 20, 3, 6, ms: 10), total("/cart", 10, 0, 0, ms: 100)],
    ]
    var second = 0
    let api = URIFilter.pattern(try #require(TextPattern("^/api/")))
    var reader = MetricReader(
      measures: [
        Measure(.httpErrorRate, uri: api), Measure(.httpErrorRate, countsClientErrors: true),
        Measure(.httpAverageResponseTime, uri: .list(["/cart"])), Measure(.http99thResponseTime),
        Measure(.httpRequestRate), Measure(.httpRequestRate, uri: api),
      ], http: { _ in seconds[second] })
    var values: [[Double]] = []
    while second < seconds.count {
      _ = reader.sample([own], answering: [own.key.process], now: Clock.monotonic, bootNow: Clock.boot)
      values.append(reader.values(of: own.key))
      second += 1
    }

    #expect(values[0].prefix(2) == [20, 30])
    #expect(values[0][2].isNaN)
    #expect(values[1].prefix(3) == [10, 30, 100])
    #expect(abs(values[1][3] - 100) < 12.5)
    // Nothing was answered.
    #expect(values[2].prefix(4).filter { !$0.isNaN }.isEmpty)
    #expect(values.map { Array($0.suffix(2)) } == [[10, 10], [20, 10], [0, 0]])
    #expect(reader.requests(of: own.key) == RequestSums())
  }

  @Test func `requests of one path with several methods are put together`() throws {
    let own = try #require(Self.own)
    func total(_ finished: UInt64, _ serverErrors: UInt64) -> HTTPEndpointTotal {
      HTTPEndpointTotal(
        process: own.key.process, path: "/", finished: finished, serverErrors: serverErrors, clientErrors: 0,
        times: LatencyHistogram())
    }
    let seconds = [[total(100, 0), total(10, 5)], [total(105, 0), total(15, 5)], [total(15, 5), total(105, 0)]]
    var second = 0
    var reader = MetricReader(
      measures: [Measure(.httpRequestRate), Measure(.httpErrorRate)], http: { _ in seconds[second] })
    var values: [[Double]] = []
    while second < seconds.count {
      _ = reader.sample([own], answering: [own.key.process], now: Clock.monotonic, bootNow: Clock.boot)
      values.append(reader.values(of: own.key))
      second += 1
    }

    #expect(values.map { $0[0] } == [110, 10, 0])
    #expect(values[1][1] == 0)
    #expect(values[2][1].isNaN)
  }

  @Test func `processes are found, told to have another name, and to have ended`() throws {
    try #require(geteuid() == 0, "run as root; see 'swprof doctor'")
    var discovery = try ProcessDiscovery()
    let first = discovery.update()
    #expect(first.changed.contains { $0.key.process == ProcessTable.own })
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "sleep 0.05; exec sleep 100"]
    try process.run()
    defer { process.terminate() }
    var names: [String] = []
    var ended = false
    for _ in 0..<400 where !ended {
      usleep(10_000)
      let changes = discovery.update()
      for change in changes.changed where change.key.process.rawValue == process.processIdentifier {
        names.append(change.name)
        if change.name == "sleep" { process.terminate() }
      }
      ended = changes.ended.contains { $0.process.rawValue == process.processIdentifier }
    }

    #expect(names.last == "sleep")
    #expect(ended)
  }
}
