import ProfileModel

/// The form in which a history is stored: runs of equal entries, so that an idle process takes some bytes an hour.
///
/// All numbers are varints (see `VarintWriter`):
///
///     entries = run*                         until the end of the bytes
///     run      = length state [cpu] [threads residents] [requests]
///     state    = 0 for nothing measured, 1 without CPU share, 2 with it; 3 and 4 are 1 and 2 with requests, 5 and 6 with
///                requests not all of which were timed
///     cpu      = in tenths of a percent;  threads and resident KiB are differences to the run before
///     requests = finished errors microseconds [timed]
enum MetricHistoryCoding {
  /// No row is longer; what claims to be is damaged.
  static let entryLimit = 3600

  static func encode(_ entries: [MetricHistory.Entry?]) -> [UInt8] {
    var writer = VarintWriter()
    var last = MetricHistory.Entry(cpuPerMille: nil, threads: 0, residentKiB: 0)
    var position = 0
    while position < entries.count {
      let entry = entries[position]
      let end = entries[position...].firstIndex { $0 != entry } ?? entries.count
      writer.append(UInt64(end - position))
      position = end
      guard let entry else {
        writer.append(0)
        continue
      }
      let isPartlyTimed = entry.requests.map { $0.timed != $0.finished } ?? false
      writer.append(
        (entry.cpuPerMille == nil ? 1 : 2) + (entry.requests == nil ? 0 : isPartlyTimed ? 4 : 2))
      if let cpu = entry.cpuPerMille { writer.append(UInt64(cpu)) }
      writer.append(difference: UInt64(entry.threads) &- UInt64(last.threads))
      writer.append(difference: UInt64(entry.residentKiB) &- UInt64(last.residentKiB))
      if let requests = entry.requests {
        for number in [requests.finished, requests.serverErrors, requests.microseconds] { writer.append(number) }
        if isPartlyTimed { writer.append(requests.timed) }
      }
      last = entry
    }
    return writer.bytes
  }

  static func decode(_ bytes: [UInt8]) throws(VarintReader.Malformed) -> [MetricHistory.Entry?] {
    var reader = VarintReader(bytes)
    var entries: [MetricHistory.Entry?] = []
    var last = MetricHistory.Entry(cpuPerMille: nil, threads: 0, residentKiB: 0)
    while !reader.isAtEnd {
      let count = try reader.next(atMost: entryLimit - entries.count)
      let state = try reader.next(atMost: 6)
      guard state > 0 else {
        entries += [MetricHistory.Entry?](repeating: nil, count: count)
        continue
      }
      let cpu = state % 2 == 0 ? UInt32(clamping: try reader.next()) : nil
      let threads = UInt64(last.threads) &+ (try reader.nextDifference())
      let resident = UInt64(last.residentKiB) &+ (try reader.nextDifference())
      last = MetricHistory.Entry(
        cpuPerMille: cpu, threads: UInt32(clamping: threads), residentKiB: UInt32(clamping: resident))
      if state > 2 {
        last.requests = RequestSums(
          finished: try reader.next(), serverErrors: try reader.next(), microseconds: try reader.next(),
          timed: state > 4 ? try reader.next() : nil)
      }
      entries += [MetricHistory.Entry?](repeating: last, count: count)
    }
    return entries
  }
}
