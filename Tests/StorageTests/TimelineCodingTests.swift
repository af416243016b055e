import ProfileModel
import Testing

@testable import Storage

@Suite struct TimelineCodingTests {
  private let timeline = Timeline(
    slotNanoseconds: 100_000_000,
    entries: [
      .init(slot: 0, value: 3, count: 1), .init(slot: 0, value: 4, count: 200), .init(slot: 7, value: 0, count: 1),
      .init(slot: 7, value: 4, count: 1 << 40),
    ])

  @Test func `a timeline comes back`() throws {
    #expect(try TimelineCoding.decode(TimelineCoding.encode(timeline), valueCount: 5) == timeline)
  }

  @Test func `a timeline without entries comes back`() throws {
    let empty = Timeline(slotNanoseconds: 1, entries: [])
    #expect(try TimelineCoding.decode(TimelineCoding.encode(empty), valueCount: 0) == empty)
  }

  @Test func `a value that the profile does not have is refused`() {
    let bytes = TimelineCoding.encode(timeline)
    #expect(throws: VarintReader.Malformed.self) { try TimelineCoding.decode(bytes, valueCount: 4) }
  }

  @Test func `a slot of no length, and counts and times beyond all numbers, are refused`() {
    for numbers in [[0], [1, 0, 0, .max, 1, 0, 1], [1 << 62, 9, 0, 1]] as [[UInt64]] {
      var writer = VarintWriter()
      for number in numbers { writer.append(number) }
      #expect(throws: VarintReader.Malformed.self) { try TimelineCoding.decode(writer.bytes, valueCount: 5) }
    }
  }

  @Test func `any bytes give a timeline of the profile's values or an error`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<5_000 {
      let count = Int.random(in: 0...3, using: &generator)
      let limit: UInt8 = Bool.random(using: &generator) ? 4 : .max
      let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        UInt8.random(in: 0...limit, using: &generator)
      }
      guard let timeline = try? TimelineCoding.decode(bytes, valueCount: count) else { continue }
      #expect(timeline.entries.allSatisfy { 0..<count ~= Int($0.value) })
    }
  }
}
