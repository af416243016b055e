import CHTTP
import Testing

/// The kernel side's pairing of answers with requests, run here on conversations parts of which are lost.
struct PairingTests {
  /// All sets of `chttp_kind`.
  private static let kinds = Array(UInt32(0)..<16)

  private func has(_ kind: UInt32, _ bit: chttp_kind) -> Bool { kind & bit.rawValue != 0 }

  @Test(arguments: kinds)
  func `in a million damaged conversations no answer is paired with another's request`(kind: UInt32) {
    let pairs = chttp_pair(1_000_000 / 16, kind, UInt64(kind) + 1)

    #expect(pairs.mispaired == 0)
    #expect(pairs.false_requests == 0)
    // Each request is one of these.
    #expect(pairs.requests == pairs.paired + pairs.unpaired + pairs.waiting)
    // What was lost of one request does no harm to the next.
    #expect(pairs.missed == 0)
    #expect(pairs.paired > pairs.made / 5)
    if !has(kind, CHTTP_LOST_REQUESTS) { #expect(pairs.requests == pairs.made) }
  }

  @Test func `where nothing is lost, each request has its whole answer`() {
    let pairs = chttp_pair(20_000, 0, 7)

    #expect(pairs.whole == pairs.made)
    #expect(pairs.orphans == 0)
  }

  @Test func `of requests in a row, sixteen are paired, and the others counted`() {
    let pairs = chttp_pair(20_000, CHTTP_PIPELINED.rawValue, 7)

    #expect(pairs.paired + pairs.unpaired == pairs.made)
    #expect(pairs.unpaired > 0 && pairs.unpaired < pairs.made / 10)
    #expect(pairs.orphans == 0)
  }
}
