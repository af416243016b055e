import Metrics
import ProfileModel

/// Collects the values of watched processes until there are enough of them for a row: each second, and each ten.
struct ValueHistory {
  private var fine: [ProcessKey: Series] = [:]
  private var coarse: [ProcessKey: Series] = [:]

  private struct Series {
    var history: MetricHistory
    /// Of the values that make one of ten seconds.
    var cpuSum = 0.0
    var count = 0
    var requests: RequestSums?
  }

  /// Values of a row: a minute, or ten.
  private static let rowLength = 60

  /// - Parameter second: the wall clock's, which may stand still or go back: such a second is left out.
  mutating func add(
    _ values: BasicValues, _ requests: RequestSums?, of process: ProcessKey, name: String, second: Int64
  ) {
    let entry = MetricHistory.Entry(
      cpuPerMille: values.cpu.isNaN ? nil : UInt32(clamping: Int((values.cpu * 10).rounded())),
      threads: UInt32(clamping: Int(values.threads.isNaN ? 0 : values.threads)),
      residentKiB: UInt32(clamping: Int(values.residentSize.isNaN ? 0 : values.residentSize * 1024)),
      requests: requests)
    Self.append(entry, to: &fine[process, default: Self.series(process, name, resolution: 1, start: second)], second)
    var series = coarse[process] ?? Self.series(process, name, resolution: 10, start: second / 10 * 10)
    if !values.cpu.isNaN {
      series.cpuSum += values.cpu
      series.count += 1
    }
    if let requests { series.requests = (series.requests ?? RequestSums()) + requests }
    if second % 10 == 9 {
      var mean = entry
      mean.cpuPerMille =
        series.count == 0 ? nil : UInt32(clamping: Int((series.cpuSum / Double(series.count) * 10).rounded()))
      mean.requests = series.requests
      (series.cpuSum, series.count, series.requests) = (0, 0, nil)
      Self.append(mean, to: &series, second)
    }
    coarse[process] = series
  }

  private static func series(_ process: ProcessKey, _ name: String, resolution: Int, start: Int64) -> Series {
    Series(history: MetricHistory(process: process, processName: name, resolution: resolution, start: start))
  }

  private static func append(_ entry: MetricHistory.Entry, to series: inout Series, _ second: Int64) {
    let place = Int(second - series.history.start) / series.history.resolution
    guard place >= series.history.entries.count else { return }
    // Seconds that were missed have no value; after many, a new row begins.
    guard place < rowLength * 2 else { return }
    while series.history.entries.count < place { series.history.entries.append(nil) }
    series.history.entries.append(entry)
  }

  /// The rows that are full.
  mutating func takeFull(second: Int64) -> [MetricHistory] {
    take { Int(second - $0.start) / $0.resolution >= Self.rowLength - 1 }
  }

  /// All rows there are, of a process or of all.
  mutating func takeAll(of process: ProcessKey? = nil) -> [MetricHistory] {
    take { history in process.map { $0 == history.process } ?? true }
  }

  private mutating func take(_ isWanted: (MetricHistory) -> Bool) -> [MetricHistory] {
    var rows: [MetricHistory] = []
    for (key, series) in fine where isWanted(series.history) {
      rows.append(series.history)
      fine[key] = nil
    }
    for (key, series) in coarse where isWanted(series.history) {
      rows.append(series.history)
      coarse[key] = nil
    }
    return rows.filter { !$0.entries.isEmpty }
  }
}
