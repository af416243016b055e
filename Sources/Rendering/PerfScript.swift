package import ProfileModel

/// A profile as perf-script(1) prints one: a line for each sample, its frames from the leaf on, a blank line.
///
/// Times are in seconds from the start of the capture. Where samples were counted by slots of time, they are spread
/// evenly within their slot, else over the whole capture. A stack of waits is one sample, its length in ns the period.
package struct PerfScript {
  /// With more samples than this, equal ones become one, and the period says how many.
  package static let sampleLimit: UInt64 = 1_000_000

  private let profile: Profile
  private let isWaits: Bool
  private let event: String
  private let elapsedNanoseconds: UInt64
  private let threads: [String]
  private let frames: [String]
  private var output: [UInt8] = []

  /// Whether equal samples of a profile become one.
  package static func isSummed(_ profile: Profile, kind: TaskKind?) -> Bool {
    kind != .offCPU && profile.total.count > sampleLimit
  }

  /// - Parameters:
  ///   - event: what `cpu-clock` stands for in perf's text.
  ///   - hasPeriods: whether samples weigh by what stands in the place of nanoseconds.
  ///   - withLines: whether the place in the source stands below each frame.
  ///   - elapsedNanoseconds: the length of the capture; where it is not known, samples are a microsecond apart.
  package static func render(
    _ profile: Profile, kind: TaskKind?, event: String, elapsedNanoseconds: UInt64? = nil, hasPeriods: Bool = false,
    withLines: Bool = false
  ) -> String {
    var script = PerfScript(
      profile, kind: kind, event: event, elapsedNanoseconds: elapsedNanoseconds, withLines: withLines)
    if kind == .offCPU {
      script.write(periods: profile.values.map(\.weight.nanoseconds))
    } else if hasPeriods {
      script.writeSamples(hasPeriods: true)
    } else if isSummed(profile, kind: kind) {
      script.output += "# more than \(sampleLimit) samples: equal ones are one, and the period is their number\n\n".utf8
      script.write(periods: profile.values.map(\.weight.count))
    } else {
      script.writeSamples()
    }
    return String(decoding: script.output, as: UTF8.self)
  }

  private init(_ profile: Profile, kind: TaskKind?, event: String, elapsedNanoseconds: UInt64?, withLines: Bool) {
    self.profile = profile
    isWaits = kind == .offCPU
    self.event = PerfScriptText.word(event)
    let count = isWaits || Self.isSummed(profile, kind: kind) ? UInt64(profile.values.count) : profile.total.count
    self.elapsedNanoseconds = max(elapsedNanoseconds ?? count * 1000, 1)
    threads = profile.threads.map(PerfScriptText.thread)
    frames = profile.frames.map { frame in
      PerfScriptText.frame(frame, module: frame.module.map { profile.modules[$0].path })
        + (withLines ? PerfScriptText.source(frame.source) : "")
    }
  }

  /// A block for each value.
  private mutating func write(periods: [UInt64]) {
    for (index, (value, period)) in zip(profile.values, periods).enumerated() {
      write(value, at: time(index, of: profile.values.count, in: 0..<elapsedNanoseconds), period: period)
    }
  }

  /// A part of an amount for each of some samples, so that all come to the amount.
  private static func period(_ amount: UInt64?, of count: UInt64, _ index: UInt64) -> UInt64? {
    amount.map { $0 / max(1, count) + (index < $0 % max(1, count) ? 1 : 0) }
  }

  /// A block for each sample.
  private mutating func writeSamples(hasPeriods: Bool = false) {
    guard let timeline = profile.timeline, !timeline.entries.isEmpty else {
      var index = 0
      let count = Int(clamping: profile.total.count)
      for value in profile.values {
        let amount = hasPeriods ? value.weight.nanoseconds : nil
        for sample in 0..<value.weight.count {
          write(
            value, at: time(index, of: count, in: 0..<elapsedNanoseconds),
            period: Self.period(amount, of: value.weight.count, sample))
          index += 1
        }
      }
      return
    }
    for slot in timeline.entries.chunked(by: \.slot) {
      let count = slot.reduce(0) { $0 + $1.count }
      let start = UInt64(max(0, slot.first?.slot ?? 0)).multipliedReportingOverflow(by: timeline.slotNanoseconds)
      let length = timeline.slotNanoseconds
      let from = start.overflow || start.partialValue > .max - length ? 0 : start.partialValue
      var index = 0
      for entry in slot {
        let amount = hasPeriods ? entry.amount : nil
        for sample in 0..<entry.count {
          let time = time(index, of: Int(clamping: count), in: from..<from + length)
          write(
            profile.values[Int(entry.value)], at: time, period: Self.period(amount, of: entry.count, sample))
          index += 1
        }
      }
    }
  }

  /// The time of one of many samples that are spread evenly.
  private func time(_ index: Int, of count: Int, in span: Range<UInt64>) -> UInt64 {
    let width = span.upperBound - span.lowerBound
    let product = width.multipliedFullWidth(by: UInt64(index))
    // The quotient is below the width, as the index is below the count.
    return span.lowerBound + UInt64(max(1, count)).dividingFullWidth(product).quotient
  }

  private mutating func write(_ value: Profile.Value, at time: UInt64, period: UInt64?) {
    let fraction = String(time % 1_000_000_000)
    let zeros = String(repeating: "0", count: 9 - fraction.count)
    let number = period.map { " \($0)" } ?? ""
    output += "\(threads[value.thread]) \(time / 1_000_000_000).\(zeros)\(fraction):\(number) \(event):\n".utf8
    var node = value.stack
    while node >= 0 {
      output += frames[Int(profile.stacks.nodes[Int(node)].frame)].utf8
      node = profile.stacks.nodes[Int(node)].parent
    }
    output.append(UInt8(ascii: "\n"))
  }
}

extension Array {
  /// Parts of neighbors with an equal key.
  fileprivate func chunked<Key: Equatable>(by key: (Element) -> Key) -> [ArraySlice<Element>] {
    var parts: [ArraySlice<Element>] = []
    var start = startIndex
    while start < endIndex {
      let end = self[start...].firstIndex { key($0) != key(self[start]) } ?? endIndex
      parts.append(self[start..<end])
      start = end
    }
    return parts
  }
}
