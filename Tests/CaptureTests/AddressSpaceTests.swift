import ProfileModel
import Testing

@testable import Capture
@testable import ELF

struct AddressSpaceTests {
  private func space(_ regions: [(UInt64, UInt64, SourceIndex)]) -> AddressSpace {
    var space = AddressSpace()
    for (start, end, source) in regions {
      space.insert(AddressSpace.Region(start: start, end: end, sourceStart: start, source: source))
    }
    return space
  }

  @Test func `an address belongs to the region around it, its end excluded`() {
    let space = space([(10, 20, 1), (20, 30, 2)])

    #expect(space.region(containing: 9) == nil)
    #expect(space.region(containing: 10)?.source == 1)
    #expect(space.region(containing: 19)?.source == 1)
    #expect(space.region(containing: 20)?.source == 2)
    #expect(space.region(containing: 30) == nil)
  }

  @Test func `a mapping in the middle of another leaves both of its ends in place`() {
    let space = space([(0, 100, 1), (40, 60, 2)])

    #expect(space.regions.map(\.source) == [1, 2, 1])
    #expect(space.region(containing: 60)?.sourceStart == 60)
    #expect(space.region(containing: 39)?.source == 1)
  }

  @Test func `regions of one source that lie side by side are one stretch`() {
    let space = space([(10, 20, 7), (20, 30, 7), (30, 40, 8), (40, 50, 7), (60, 70, 7)])

    #expect([10, 25, 35, 45, 65].map { space.startOfStretch(around: $0) } == [10, 10, 30, 40, 60])
    #expect(space.startOfStretch(around: 55) == nil)
  }

  @Test func `code begins where the last stretch before an address was noted to begin`() {
    var regions = CodeRegions()
    for start in [0x3000, 0x1000, 0x3000, 0x2000] as [UInt64] { regions.note(start, in: 5) }

    #expect(
      [0x0FFF, 0x1000, 0x1FFF, 0x2800, .max].map { regions.start(before: $0, in: 5) }
        == [nil, 0x1000, 0x1000, 0x2000, 0x3000])
    #expect(regions.start(before: 0x1000, in: 6) == nil)
    regions.forget([5])
    #expect(regions.start(before: 0x1000, in: 5) == nil)
  }

  @Test func `any series of mappings equals a table with one cell an address`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var space = AddressSpace()
      var table = [SourceIndex?](repeating: nil, count: 64)
      for source in 0..<SourceIndex(12) {
        let start = UInt64.random(in: 0..<63, using: &generator)
        let end = UInt64.random(in: start + 1...64, using: &generator)
        space.insert(AddressSpace.Region(start: start, end: end, sourceStart: start, source: source))
        for address in start..<end { table[Int(address)] = source }
      }
      for address in 0..<UInt64(64) {
        let region = space.region(containing: address)
        #expect(region?.source == table[Int(address)])
        if let region { #expect(address - region.start + region.sourceStart == address) }
      }
      #expect(zip(space.regions, space.regions.dropFirst()).allSatisfy { $0.end <= $1.start })
    }
  }

  @Test func `a range is filled where regions without a gap satisfy the predicate`() {
    let space = space([(10, 20, 1), (20, 30, 1), (30, 40, 2), (50, 60, 1)])

    #expect(space.isFilled(12..<28) { $0.source == 1 })
    #expect(!space.isFilled(12..<32) { $0.source == 1 })
    #expect(!space.isFilled(35..<55) { _ in true })
    #expect(!space.isFilled(5..<15) { _ in true })
    #expect(space.isFilled(10..<40) { _ in true })
  }

  @Test func `of two segments in a page of a file, a region is of the one that fits the others`() {
    let segments = [
      ELFFile.Segment(fileOffset: 0, virtualAddress: 0x40_0000, fileSize: 0x1800, isExecutable: true),
      ELFFile.Segment(fileOffset: 0x1900, virtualAddress: 0x60_0900, fileSize: 0x1000, isExecutable: true),
    ]
    func region(_ start: UInt64, _ offset: UInt64, size: UInt64) -> AddressSpace.Region {
      AddressSpace.Region(start: start, end: start + size, sourceStart: offset, source: 7)
    }
    let base: UInt64 = 0x7000_0000
    let regions = [region(base + 0x40_0000, 0, size: 0x2000), region(base + 0x60_0000, 0x1000, size: 0x2000)]
    for region in regions {
      #expect(UnwindPublisher.bias(of: region, among: regions, segments: segments) == 0 &- base)
    }
    // Alone, it could be either.
    #expect(UnwindPublisher.bias(of: regions[1], among: [regions[1]], segments: segments) == nil)
  }
}
