/// How often which length of time was measured, in buckets that are at most an eighth of their length wide.
///
/// Times are counted in whole microseconds. Bucket `i < 8` holds the time `i`; above, each power of two is divided into
/// eight buckets. The kernel side fills the same buckets (`bpf/include/abi/network.h`).
package struct LatencyHistogram: Equatable, Sendable {
  /// Of 0 to 2^32 us, which is over an hour; longer times are in the last one.
  package static let bucketCount = 240

  /// The numbers of the buckets, without empty ones at the end.
  package private(set) var buckets: [UInt64]
  package var sumNanoseconds: UInt64
  package var maximumNanoseconds: UInt64

  package init(buckets: [UInt64] = [], sumNanoseconds: UInt64 = 0, maximumNanoseconds: UInt64 = 0) {
    self.buckets = Array(buckets.prefix(Self.bucketCount))
    self.sumNanoseconds = sumNanoseconds
    self.maximumNanoseconds = maximumNanoseconds
    while self.buckets.last == 0 { self.buckets.removeLast() }
  }

  /// How many times were measured.
  package var count: UInt64 { buckets.reduce(0, &+) }

  package var meanNanoseconds: Double? {
    let count = count
    return count == 0 ? nil : Double(sumNanoseconds) / Double(count)
  }

  package mutating func add(nanoseconds: UInt64) {
    let index = Self.bucket(ofMicroseconds: nanoseconds / 1000)
    if buckets.count <= index { buckets += [UInt64](repeating: 0, count: index + 1 - buckets.count) }
    buckets[index] &+= 1
    sumNanoseconds &+= nanoseconds
    maximumNanoseconds = max(maximumNanoseconds, nanoseconds)
  }

  package mutating func add(_ other: LatencyHistogram) {
    if buckets.count < other.buckets.count {
      buckets += [UInt64](repeating: 0, count: other.buckets.count - buckets.count)
    }
    for (index, count) in other.buckets.enumerated() { buckets[index] &+= count }
    sumNanoseconds &+= other.sumNanoseconds
    maximumNanoseconds = max(maximumNanoseconds, other.maximumNanoseconds)
  }

  /// The time in ns that a share of all times lies below; nil where there are none.
  ///
  /// Within a bucket, times are taken to be spread evenly: the error is at most an eighth, most often far less.
  ///
  /// - Parameter share: from 0 to 1.
  package func percentile(_ share: Double) -> Double? {
    let total = count
    guard total > 0 else { return nil }
    let wanted = share * Double(total)
    var below = 0.0
    for (index, count) in buckets.enumerated() where count > 0 {
      if below + Double(count) >= wanted {
        let span = Self.microseconds(ofBucket: index)
        let place = max(0, wanted - below) / Double(count)
        let time = (Double(span.lowerBound) + place * Double(span.upperBound - span.lowerBound)) * 1000
        return min(time, Double(maximumNanoseconds))
      }
      below += Double(count)
    }
    return Double(maximumNanoseconds)
  }

  package static func bucket(ofMicroseconds time: UInt64) -> Int {
    if time < 8 { return Int(time) }
    let exponent = 63 - time.leadingZeroBitCount
    return min(bucketCount - 1, (exponent - 2) * 8 + Int(time >> UInt64(exponent - 3) & 7))
  }

  /// The times that a bucket holds.
  package static func microseconds(ofBucket index: Int) -> Range<UInt64> {
    if index < 8 { return UInt64(index)..<UInt64(index) + 1 }
    let width = UInt64(1) << UInt64(index / 8 - 1)
    let start = (8 + UInt64(index % 8)) * width
    return start..<start + width
  }
}
