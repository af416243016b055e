import LinuxSystem
package import Policies
package import ProfileModel

/// Takes the values of all watched processes once a second.
///
/// A process costs two system calls: its CPU clock, and its `stat` file, which is kept open.
package struct MetricReader {
  private var measures: [Measure]
  private var meters: [ProcessKey: ProcessMeter] = [:]
  private var values: [ProcessKey: [Double]] = [:]
  private var host = HostMeter()
  private var http = HTTPMeter()
  private let httpSource: HTTPMetricsSource?
  private var buffer = ProcBuffer()
  private var lastSample: MonotonicTime?
  /// The same moment on the clock that processes have their start times from.
  private var lastSampleSinceBoot: BootTime?

  package init(measures: [Measure], http: HTTPMetricsSource? = nil) {
    self.measures = measures
    httpSource = http
  }

  /// Puts other measures in place; what processes have used so far stays known.
  package mutating func change(to measures: [Measure]) {
    self.measures = measures
    values = [:]
  }

  /// The load average of one minute; nil where it is not known.
  package var hostLoad: Double? { host.load }

  /// Takes the values of a second.
  ///
  /// - Parameters:
  ///   - processes: those that are watched.
  ///   - answering: those of them whose requests are counted.
  ///   - now: as late as possible before the call.
  ///   - bootNow: the same moment on the boot clock.
  /// - Returns: the processes that have ended.
  package mutating func sample(
    _ processes: [WatchedProcess], answering: Set<ProcessID> = [], now: MonotonicTime, bootNow: BootTime
  ) -> [ProcessKey] {
    let elapsed = lastSample.map { now.nanoseconds(since: $0) } ?? 0
    host.sample(elapsedNanoseconds: elapsed)
    if let httpSource, measures.contains(where: \.metric.isHTTP) { http.sample(httpSource(answering)) }
    let withThreads = measures.contains { [.contextSwitches, .runQueueLatency].contains($0.metric) }
    var ended: [ProcessKey] = []
    for process in processes {
      let key = process.key
      if meters[key] == nil { meters[key] = ProcessMeter(key.process, isNew: isNew(key)) }
      let isThere =
        meters[key]?.sample(elapsedNanoseconds: elapsed, buffer: &buffer, withThreads: withThreads) ?? false
      guard isThere, let meter = meters[key] else {
        ended.append(key)
        continue
      }
      values[key] = measures.map { value($0, meter, key.process) }
    }
    lastSample = now
    lastSampleSinceBoot = bootNow
    return ended
  }

  /// Whether a process began after the last sample.
  private func isNew(_ key: ProcessKey) -> Bool {
    guard let lastSampleSinceBoot else { return false }
    return key.startTicks > lastSampleSinceBoot.nanoseconds / Host.nanosecondsPerTick
  }

  private func value(_ measure: Measure, _ meter: ProcessMeter, _ process: ProcessID) -> Double {
    switch measure.metric {
    case .processCPU: meter.basic.cpu
    case .processThreadCount: meter.basic.threads
    case .processRSS: meter.basic.residentSize
    case .processIOWait: meter.ioWait
    case .contextSwitches: meter.contextSwitches
    case .runQueueLatency: meter.runQueueLatency
    case .systemLoad, .cpuPressure, .memoryPressure, .ioPressure: host.value(measure.metric)
    case .httpErrorRate, .httpAverageResponseTime, .http99thResponseTime, .httpRequestRate:
      http.value(measure, of: process)
    }
  }

  /// The values of a process, in the order of the measures; NaN for no data.
  package func values(of key: ProcessKey) -> [Double] { values[key] ?? [] }

  package func basicValues(of key: ProcessKey) -> BasicValues? { meters[key]?.basic }

  /// What a process has answered within the second; nil where nobody counts, or it never has.
  package func requests(of key: ProcessKey) -> RequestSums? { http.requests(of: key.process) }

  package mutating func forget(_ key: ProcessKey) {
    meters[key] = nil
    values[key] = nil
    http.forget(key.process)
  }

  package mutating func keep(only isWatched: (ProcessKey) -> Bool) {
    for key in Array(meters.keys) where !isWatched(key) { forget(key) }
  }
}
