package import ProfileModel

/// The values of a process over time, as a table, as lines of blocks, or as JSON.
package struct MetricsReport {
  private struct Point {
    /// Seconds since the Unix epoch.
    var time: Int64
    var seconds: Int
    /// In percent of one core.
    var cpu: Double?
    var threads: Double
    var residentMiB: Double
    var requests: RequestSums?

    var requestRate: Double? { requests.map { Double($0.finished) / Double(seconds) } }
    var errorPercent: Double? { share(\.serverErrors).map { $0 * 100 } }
    var meanMilliseconds: Double? {
      requests.flatMap { $0.timed > 0 ? Double($0.microseconds) / Double($0.timed) / 1000 : nil }
    }

    private func share(_ part: KeyPath<RequestSums, UInt64>) -> Double? {
      requests.flatMap { $0.finished > 0 ? Double($0[keyPath: part]) / Double($0.finished) : nil }
    }
  }

  private let process: ProcessID
  private let names: [String]
  private let points: [Point]

  /// - Parameters:
  ///   - histories: in the order of time; where they overlap, the finer one counts.
  ///   - since: the earliest time that is shown.
  package init(_ histories: [MetricHistory], of process: ProcessID, since: WallTime) {
    self.process = process
    names = histories.map(\.processName).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    let earliest = since.nanoseconds / 1_000_000_000
    var points: [Int64: Point] = [:]
    for history in histories.sorted(by: { $0.resolution < $1.resolution }) {
      for (index, entry) in history.entries.enumerated() {
        let time = history.start + Int64(index * history.resolution)
        guard let entry, time >= earliest else { continue }
        // A coarse value is left out where any second of it is known.
        guard (time..<time + Int64(history.resolution)).allSatisfy({ points[$0] == nil }) else { continue }
        points[time] = Point(
          time: time, seconds: history.resolution, cpu: entry.cpuPerMille.map { Double($0) / 10 },
          threads: Double(entry.threads), residentMiB: Double(entry.residentKiB) / 1024, requests: entry.requests)
      }
    }
    self.points = points.values.sorted { $0.time < $1.time }
  }

  package var isEmpty: Bool { points.isEmpty }

  /// The most rows that a table has, and the most blocks in a line.
  private static let width = 60

  /// Means of equal spans of time; nil for spans without values.
  private func spans() -> [(time: Int64, mean: Point?)] {
    guard let first = points.first, let last = points.last else { return [] }
    let whole = last.time - first.time + Int64(last.seconds)
    let step = max(1, (whole + Int64(Self.width) - 1) / Int64(Self.width))
    let groups = Dictionary(grouping: points) { ($0.time - first.time) / step }
    return (0...(last.time - first.time) / step).map { index in
      (first.time + index * step, groups[index].map(Self.mean))
    }
  }

  private static func mean(_ points: [Point]) -> Point {
    var mean = points[0]
    let shares = points.compactMap(\.cpu)
    mean.cpu = shares.isEmpty ? nil : shares.reduce(0, +) / Double(shares.count)
    mean.threads = points.reduce(0) { $0 + $1.threads } / Double(points.count)
    mean.residentMiB = points.reduce(0) { $0 + $1.residentMiB } / Double(points.count)
    let answering = points.filter { $0.requests != nil }
    mean.requests = answering.isEmpty ? nil : answering.compactMap(\.requests).reduce(RequestSums(), +)
    mean.seconds = answering.isEmpty ? mean.seconds : answering.reduce(0) { $0 + $1.seconds }
    return mean
  }

  /// What is shown: requests where any were answered.
  private var rows: [(name: String, title: String, value: (Point) -> Double?)] {
    let basic: [(String, String, (Point) -> Double?)] = [
      ("CPU %", "CPU %", { $0.cpu }), ("threads", "THREADS", { $0.threads }), ("MiB", "MIB", { $0.residentMiB }),
    ]
    guard points.contains(where: { $0.requests != nil }) else { return basic }
    return basic + [
      ("req/s", "REQ/S", { $0.requestRate }), ("errors %", "5XX %", { $0.errorPercent }),
      ("mean ms", "MEAN MS", { $0.meanMilliseconds }),
    ]
  }

  /// A row for each span of time.
  package var table: String {
    let rows = rows
    var table = TextTable([.init("TIME")] + rows.map { .init($0.title, isRightAligned: true) })
    for (time, mean) in spans() {
      table.add(
        [TimeText.utc(WallTime(nanoseconds: time * 1_000_000_000))] + rows.map { Self.number(mean.flatMap($0.value)) })
    }
    return table.lines.map { $0 + "\n" }.joined()
  }

  private static func number(_ value: Double?) -> String {
    value.flatMap { NumberText.decimal($0, digits: 1) } ?? "—"
  }

  /// A line of blocks for each metric, as high as its highest value.
  package var sparklines: String {
    guard let first = points.first, let last = points.last else { return "" }
    let spans = spans()
    let from = TimeText.utc(WallTime(nanoseconds: first.time * 1_000_000_000))
    let to = TimeText.utc(WallTime(nanoseconds: last.time * 1_000_000_000))
    var lines = ["\(names.joined(separator: ", ")) (\(process)), \(from) to \(to)"]
    for (name, _, value) in rows {
      let values = spans.map { $0.mean.flatMap(value) }
      let known = values.compactMap { $0 }
      guard let highest = known.max(), let lowest = known.min() else { continue }
      lines.append(
        DisplayText.padded(name, to: 9) + Self.blocks(values, highest: highest)
          + "  \(Self.number(lowest)) to \(Self.number(highest))")
    }
    return lines.map { DisplayText.visible($0) + "\n" }.joined()
  }

  private static func blocks(_ values: [Double?], highest: Double) -> String {
    let blocks = Array("▁▂▃▄▅▆▇█")
    return String(
      values.map { value -> Character in
        guard let value else { return " " }
        return highest > 0 ? blocks[min(7, Int(value / highest * 7.999))] : blocks[0]
      })
  }

  /// All values there are.
  package var json: String {
    var writer = JSONWriter()
    writer.document(schema: "swprof.metrics", version: 1) { writer in
      writer.key("pid")
      writer.integer(process.rawValue)
      writer.key("names")
      writer.strings(names)
      writer.key("values")
      writer.array { writer in
        for point in points { Self.write(point, to: &writer) }
      }
    }
    return writer.text + "\n"
  }

  private static func write(_ point: Point, to writer: inout JSONWriter) {
    writer.object(isInline: true) { writer in
      writer.key("time_unix_s")
      writer.integer(point.time)
      writer.key("seconds")
      writer.integer(point.seconds)
      writer.key("cpu_percent")
      if let cpu = point.cpu { writer.decimal(cpu, digits: 1) } else { writer.null() }
      writer.key("threads")
      writer.integer(Int(point.threads))
      writer.key("resident_mib")
      writer.decimal(point.residentMiB, digits: 1)
      writer.key("requests")
      if let requests = point.requests { writer.integer(requests.finished) } else { writer.null() }
      writer.key("server_errors")
      if let requests = point.requests { writer.integer(requests.serverErrors) } else { writer.null() }
      writer.key("response_mean_ms")
      if let mean = point.meanMilliseconds { writer.decimal(mean, digits: 3) } else { writer.null() }
    }
  }
}
