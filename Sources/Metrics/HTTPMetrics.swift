package import ProfileModel
import Policies

/// What a process has answered on one path since it is watched.
package struct HTTPEndpointTotal: Sendable {
  package var process: ProcessID
  package var path: String
  /// Responses that were seen with their request, of any status; the end of some may not have been.
  package var finished: UInt64
  /// Responses with a status from 500 on.
  package var serverErrors: UInt64
  /// Responses with a status from 400 to 499.
  package var clientErrors: UInt64
  /// The times of those that were seen whole.
  package var times: LatencyHistogram

  package init(
    process: ProcessID, path: String, finished: UInt64, serverErrors: UInt64, clientErrors: UInt64,
    times: LatencyHistogram
  ) {
    self.process = process
    self.path = path
    self.finished = finished
    self.serverErrors = serverErrors
    self.clientErrors = clientErrors
    self.times = times
  }
}

/// Where the metrics of requests come from: sums that only grow, asked for once a second, with the processes that are to
/// be counted from then on. There may be several sums of one process and path, which are put together.
package typealias HTTPMetricsSource = (Set<ProcessID>) -> [HTTPEndpointTotal]

/// What was answered between two samples.
struct HTTPMeter {
  private struct Endpoint: Hashable {
    let process: ProcessID
    let path: String
  }

  private var last: [Endpoint: HTTPEndpointTotal] = [:]
  /// Of every process that has ever answered.
  private var fresh: [ProcessID: [HTTPEndpointTotal]] = [:]

  mutating func sample(_ totals: [HTTPEndpointTotal]) {
    fresh = fresh.mapValues { _ in [] }
    // Requests with other methods, or encrypted ones, of the same path have sums of their own.
    let sums = totals.reduce(into: [Endpoint: HTTPEndpointTotal]()) { sums, total in
      let endpoint = Endpoint(process: total.process, path: total.path)
      sums[endpoint] = sums[endpoint].map { $0.adding(total) } ?? total
    }
    for (endpoint, total) in sums {
      let change = total.since(last[endpoint])
      last[endpoint] = total
      if change.finished > 0 { fresh[total.process, default: []].append(change) }
    }
  }

  mutating func forget(_ process: ProcessID) {
    last = last.filter { $0.key.process != process }
    fresh[process] = nil
  }

  /// All that a process has answered; nil where it never has.
  func requests(of process: ProcessID) -> RequestSums? {
    fresh[process]?.reduce(RequestSums()) { sums, total in
      sums
        + RequestSums(
          finished: total.finished, serverErrors: total.serverErrors,
          microseconds: total.times.sumNanoseconds / 1000, timed: total.times.count)
    }
  }

  /// NaN where nothing was answered; of the rate, where nothing ever was; of times, where none is known.
  func value(_ measure: Measure, of process: ProcessID) -> Double {
    guard let answered = fresh[process] else { return .nan }
    let counted = answered.filter { total in measure.uri.map { $0.includes(total.path) } ?? true }
    let finished = counted.reduce(0) { $0 + $1.finished }
    if measure.metric == .httpRequestRate { return Double(finished) }
    guard finished > 0 else { return .nan }
    switch measure.metric {
    case .httpErrorRate:
      let errors = counted.reduce(0) { $0 + $1.serverErrors + (measure.countsClientErrors ? $1.clientErrors : 0) }
      return Double(errors) / Double(finished) * 100
    case .httpAverageResponseTime:
      let timed = counted.reduce(0) { $0 + $1.times.count }
      return timed > 0 ? Double(counted.reduce(0) { $0 + $1.times.sumNanoseconds }) / Double(timed) / 1e6 : .nan
    case .http99thResponseTime:
      let times = counted.reduce(into: LatencyHistogram()) { $0.add($1.times) }
      return times.percentile(0.99).map { $0 / 1e6 } ?? .nan
    case .httpRequestRate, .processCPU, .processThreadCount, .processRSS, .processIOWait, .contextSwitches,
      .runQueueLatency, .systemLoad,
      .cpuPressure, .memoryPressure, .ioPressure:
      return .nan
    }
  }
}

extension HTTPEndpointTotal {
  fileprivate func adding(_ other: HTTPEndpointTotal) -> HTTPEndpointTotal {
    var sum = self
    sum.finished += other.finished
    sum.serverErrors += other.serverErrors
    sum.clientErrors += other.clientErrors
    sum.times.add(other.times)
    return sum
  }

  /// What has come since an earlier total; all of it where the sums have begun anew.
  fileprivate func since(_ earlier: HTTPEndpointTotal?) -> HTTPEndpointTotal {
    guard let earlier, earlier.finished <= finished else { return self }
    var change = self
    change.finished = finished - earlier.finished
    change.serverErrors = serverErrors - min(serverErrors, earlier.serverErrors)
    change.clientErrors = clientErrors - min(clientErrors, earlier.clientErrors)
    let buckets = times.buckets.enumerated().map { index, count in
      count - min(count, index < earlier.times.buckets.count ? earlier.times.buckets[index] : 0)
    }
    change.times = LatencyHistogram(
      buckets: buckets, sumNanoseconds: times.sumNanoseconds - min(times.sumNanoseconds, earlier.times.sumNanoseconds),
      maximumNanoseconds: times.maximumNanoseconds)
    return change
  }
}
