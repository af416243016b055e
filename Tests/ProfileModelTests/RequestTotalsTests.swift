import Foundation
import ProfileModel
import Testing

@Suite struct RequestTotalsTests {
  private static func totals() -> RequestTotals {
    var totals = RequestTotals()
    totals.count = 20
    totals.statusClasses = [0, 10, 0, 2, 3]
    totals.notEnded = 4
    totals.endsMissed = 1
    totals.unpaired = 3
    totals.unanswered = 2
    return totals
  }

  @Test func `each request is finished, without an end, unpaired or unanswered`() {
    let totals = Self.totals()

    #expect((totals.answered, totals.finished) == (15, 10))
    #expect(
      totals.finished + totals.notEnded + totals.endsMissed + totals.unpaired + totals.unanswered == totals.count)
  }

  @Test func `sums have all counts, and come back from their document`() throws {
    var sum = Self.totals()
    sum.add(Self.totals())

    #expect((sum.notEnded, sum.endsMissed, sum.unpaired, sum.answered) == (8, 2, 6, 30))
    #expect(try JSONDecoder().decode(RequestTotals.self, from: JSONEncoder().encode(sum)) == sum)
  }

  @Test func `a document of an earlier release says the same as it did`() throws {
    let document = """
      {"count":7,"statusClasses":[0,4,0,1,0],"unanswered":2,"durations":[9000,5000,3,5],"firstByteNanoseconds":800,
      "requestBytes":70,"responseBytes":700}
      """

    let totals = try JSONDecoder().decode(RequestTotals.self, from: Data(document.utf8))

    #expect((totals.count, totals.finished, totals.answered, totals.unanswered) == (7, 5, 5, 2))
    #expect((totals.notEnded, totals.endsMissed, totals.unpaired) == (0, 0, 0))
  }

  @Test func `numbers of a damaged document do not trap`() {
    var totals = RequestTotals()
    totals.notEnded = .max
    totals.endsMissed = 2

    #expect(totals.finished == 0)
  }
}
