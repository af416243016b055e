import ProfileModel

/// How often which length of time was measured, as bars on a logarithmic axis, with a dashed line at p99; needs no
/// script.
enum HistogramDrawing {
  private static let width = 720.0
  private static let height = 90.0

  /// Two buckets side by side.
  private struct Bar {
    let start: UInt64
    let end: UInt64
    let count: UInt64
  }

  /// A caption and the bars; nothing where nothing was measured.
  static func render(_ name: String, _ histogram: LatencyHistogram) -> String {
    let bars = bars(histogram)
    guard let first = bars.first, let last = bars.last else { return "" }
    let caption = "<p>\(HTML.text("\(name): \(caption(histogram))"))</p>"
    // One bar tells no more than its numbers.
    guard bars.count > 1 else { return caption }
    let (low, high) = (place(first.start), max(place(last.end), place(first.start) + 1))
    func x(_ microseconds: UInt64) -> Double { (place(microseconds) - low) / (high - low) * width }
    let most = bars.map(\.count).max() ?? 1
    var marks = bars.map { bar in
      let size = max(1, Double(bar.count) / Double(most) * height)
      let title = "\(time(bar.start)) to \(time(bar.end)): \(NetworkText.count(bar.count, "time"))"
      return "<rect class=\"slot\" x=\"\(number(x(bar.start)))\" y=\"\(number(height - size))\""
        + " width=\"\(number(max(1, x(bar.end) - x(bar.start) - 0.5)))\" height=\"\(number(size))\">"
        + "<title>\(HTML.text(title))</title></rect>"
    }
    marks.append("<line class=\"axis\" x1=\"0\" x2=\"\(Int(width))\" y1=\"\(Int(height))\" y2=\"\(Int(height))\"/>")
    if let percentile = histogram.percentile(0.99) {
      let line = number(min(width, max(0, x(UInt64(percentile / 1000)))))
      marks.append("<line class=\"threshold\" x1=\"\(line)\" x2=\"\(line)\" y1=\"0\" y2=\"\(Int(height))\"/>")
    }
    marks += ticks(low, high, x)
    return """
      \(caption)
      <svg class="chart" viewBox="0 0 \(Int(width)) \(Int(height) + 18)" role="img" aria-label="\(HTML.text(name))">
      \(marks.joined(separator: "\n"))
      </svg>
      """
  }

  /// The numbers that a drawing does not show exactly.
  static func caption(_ histogram: LatencyHistogram) -> String {
    let percentiles = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)].map {
      "\($0.0) \(NetworkText.latency(histogram.percentile($0.1)))"
    }
    return "\(NumberText.grouped(histogram.count)) measured, mean \(NetworkText.latency(histogram.meanNanoseconds)), "
      + percentiles.joined(separator: ", ") + ", max \(NetworkText.latency(histogram.maximumNanoseconds))"
  }

  private static func bars(_ histogram: LatencyHistogram) -> [Bar] {
    let buckets = histogram.buckets
    return stride(from: 0, to: buckets.count, by: 2).compactMap { index in
      let count = buckets[index] &+ (index + 1 < buckets.count ? buckets[index + 1] : 0)
      guard count > 0 else { return nil }
      return Bar(
        start: LatencyHistogram.microseconds(ofBucket: index).lowerBound,
        end: LatencyHistogram.microseconds(ofBucket: index + 1).upperBound, count: count)
    }
  }

  /// Powers of ten of a microsecond, with the lengths that they are.
  private static func ticks(_ low: Double, _ high: Double, _ x: (UInt64) -> Double) -> [String] {
    var marks: [String] = []
    var power: UInt64 = 1
    for _ in 0..<10 {
      if place(power) >= low, place(power) <= high {
        let at = number(x(power))
        let anchor = x(power) > width - 40 ? "end" : x(power) < 20 ? "start" : "middle"
        marks.append(
          "<text x=\"\(at)\" y=\"\(Int(height) + 14)\" text-anchor=\"\(anchor)\">\(time(power))</text>")
      }
      power *= 10
    }
    return marks
  }

  private static func time(_ microseconds: UInt64) -> String {
    TimeText.duration(nanoseconds: microseconds * 1000)
  }

  /// The place on the axis: the binary logarithm, straight between powers of two; what is shorter than 1 us is one step.
  private static func place(_ microseconds: UInt64) -> Double {
    guard microseconds > 0 else { return -1 }
    let exponent = 63 - microseconds.leadingZeroBitCount
    return Double(exponent) + Double(microseconds) / Double(UInt64(1) << UInt64(exponent)) - 1
  }

  private static func number(_ value: Double) -> String { NumberText.decimal(value, digits: 1) ?? "0.0" }
}
