import Foundation
import ProfileModel
import Testing

@Suite struct LatencyHistogramTests {
  @Test func `a histogram comes back from its document, empty ends left out`() throws {
    var histogram = LatencyHistogram()
    for time: UInt64 in [0, 7_999, 1_000_000, .max] { histogram.add(nanoseconds: time) }
    let document = try JSONEncoder().encode(histogram)
    #expect(try JSONDecoder().decode(LatencyHistogram.self, from: document) == histogram)
    #expect(String(decoding: try JSONEncoder().encode(LatencyHistogram()), as: UTF8.self) == "[0,0]")
  }

  @Test(arguments: ["[]", "[1]", "[1,2,3]", "[1,2,240,1]", "[1,2,-1,1]", "{}", "[1,2,18446744073709551615,1]"])
  func `what is no histogram is an error`(document: String) {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(LatencyHistogram.self, from: Data(document.utf8))
    }
  }

  @Test func `counts that do not fit wrap, and no percentile traps`() throws {
    let document = Data("[18446744073709551615,5,3,18446744073709551615,9,18446744073709551615]".utf8)
    var histogram = try JSONDecoder().decode(LatencyHistogram.self, from: document)
    histogram.add(histogram)
    for share in [0, 0.5, 1] { _ = histogram.percentile(share) }
    _ = histogram.meanNanoseconds
  }

  @Test func `each bucket holds the times that lead to it`() {
    for index in 0..<LatencyHistogram.bucketCount - 1 {
      let times = LatencyHistogram.microseconds(ofBucket: index)
      #expect(LatencyHistogram.bucket(ofMicroseconds: times.lowerBound) == index)
      #expect(LatencyHistogram.bucket(ofMicroseconds: times.upperBound - 1) == index)
      #expect(LatencyHistogram.bucket(ofMicroseconds: times.upperBound) == index + 1)
    }
  }

  @Test func `totals without anything are an empty document`() throws {
    #expect(String(decoding: try JSONEncoder().encode(NetworkTotals()), as: UTF8.self) == "{}")
    #expect(try JSONDecoder().decode(NetworkTotals.self, from: Data("{}".utf8)) == NetworkTotals())
  }
}
