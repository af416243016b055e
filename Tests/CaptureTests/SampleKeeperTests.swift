import CProbes
import ProfileModel
import Testing

@testable import Capture

/// Which requests are kept.
@Suite struct SampleKeeperTests {
  @Test func `of one endpoint the longest are kept, the longest first`() {
    var keeper = SampleKeeper(NetworkOptions(reasons: [.slow], samplesPerEndpoint: 3))
    for milliseconds in [300, 500, 100, 900, 700, 400] as [UInt64] {
      keeper.add(sample(status: 200, milliseconds: milliseconds))
    }

    #expect(samples(keeper).map { ($0.durationNanoseconds ?? 0) / 1_000_000 } == [900, 700, 500])
  }

  @Test func `an answer whose end was not seen has no length, and was as slow as its first byte at least`() {
    var keeper = SampleKeeper(NetworkOptions(slowerThanNanoseconds: 200_000_000, reasons: [.slow]))
    for milliseconds in [300, 100] as [UInt64] {
      var endless = sample(status: 200, milliseconds: 0)
      endless.first_byte_ns = milliseconds * 1_000_000
      endless.is_endless = 1
      keeper.add(endless)
    }
    keeper.add(sample(status: 200, milliseconds: 250))

    #expect(samples(keeper).map(\.durationNanoseconds) == [nil, 250_000_000])
  }

  @Test func `the first reason that fits decides`() {
    let reasons: [RequestSample.Reason] = [.serverError, .slow, .clientError]
    var keeper = SampleKeeper(NetworkOptions(reasons: reasons))
    keeper.add(sample(status: 503, milliseconds: 900))
    keeper.add(sample(status: 404, milliseconds: 900))
    keeper.add(sample(status: 404, milliseconds: 1))
    keeper.add(sample(status: 200, milliseconds: 1))

    #expect(samples(keeper).map(\.reason) == [.serverError, .slow, .clientError])
  }

  @Test func `messages stand with their request, and with no other`() {
    var keeper = SampleKeeper(NetworkOptions(reasons: [.slow]))
    keeper.add(payload("GET /one", number: 1, direction: SWPROF_RECEIVED))
    keeper.add(payload("GET /two", number: 2, direction: SWPROF_RECEIVED))
    keeper.add(payload("HTTP/1.1 200", number: 2, direction: SWPROF_SENT))
    keeper.add(sample(status: 200, milliseconds: 900, number: 2))

    #expect(samples(keeper).map(\.request) == ["GET /two"])
    #expect(samples(keeper).map(\.response) == ["HTTP/1.1 200"])
  }

  @Test func `the path of a kept request is shown as paths are to be shown`() {
    var keeper = SampleKeeper(NetworkOptions(reasons: [.slow]))
    var raw = sample(status: 200, milliseconds: 900)
    withUnsafeMutableBytes(of: &raw.path) { $0.copyBytes(from: "/a;pin=1".utf8) }
    keeper.add(raw)

    #expect(samples(keeper).map(\.path) == ["/A;PIN=1"])
  }

  @Test func `requests of more groups than are kept are counted`() {
    var keeper = SampleKeeper(NetworkOptions(reasons: [.slow]))
    for path in 1...2003 as ClosedRange<UInt64> {
      var raw = sample(status: 200, milliseconds: 900)
      raw.endpoint.path_hash = path
      keeper.add(raw)
    }
    // One that has its group is no loss.
    keeper.add(sample(status: 200, milliseconds: 950))

    #expect(samples(keeper).count == 2001)
    #expect(keeper.groupsFull == 3)
  }

  @Test func `kept requests whose messages were asked for and are missing are counted`() {
    var keeper = SampleKeeper(NetworkOptions(reasons: [.slow], bodyBytes: 100))
    for number in 1...3 as ClosedRange<UInt32> {
      if number < 3 { keeper.add(payload("GET /", number: number, direction: SWPROF_RECEIVED)) }
      if number == 1 { keeper.add(payload("HTTP/1.1 200", number: number, direction: SWPROF_SENT)) }
      keeper.add(sample(status: 200, milliseconds: 900, number: number))
    }

    #expect(keeper.messagesMissing == 2)
    var other = SampleKeeper(NetworkOptions(reasons: [.slow]))
    other.add(sample(status: 200, milliseconds: 900))
    #expect(other.messagesMissing == 0)
  }

  @Test func `a record that is cut is none`() {
    var keeper = SampleKeeper(NetworkOptions())
    let isSample = [UInt8](repeating: 0, count: 40).withUnsafeBytes { keeper.add(sample: $0) }
    var bytes = payloadBytes("GET", number: 1, direction: SWPROF_SENT)
    bytes.removeLast()
    let isPayload = bytes.withUnsafeBytes { keeper.add(payload: $0) }

    #expect(!isSample)
    #expect(!isPayload)
  }

  // MARK: -

  private func samples(_ keeper: SampleKeeper) -> [RequestSample] {
    keeper.samples(
      .none,
      NetworkCapture.Options(
        parameters: NetworkOptions(), isListed: { _ in true }, shownPath: { $0 }, sampledPath: { $0.uppercased() },
        shownMessage: { String(decoding: $0, as: UTF8.self) }, speaks: { _ in .unknown }, tableCapacity: 1))
  }

  private func sample(status: UInt16, milliseconds: UInt64, number: UInt32 = 0) -> swprof_request_sample {
    var raw = swprof_request_sample()
    raw.tgid = 1
    raw.status = status
    raw.duration_ns = milliseconds * 1_000_000
    raw.endpoint.is_server = 1
    raw.endpoint.path_hash = 1
    raw.request_number = number
    raw.response_number = number
    return raw
  }

  private func payloadBytes(_ text: String, number: UInt32, direction: Int32) -> [UInt8] {
    var raw = swprof_payload()
    raw.size = UInt32(text.utf8.count)
    raw.number = number
    raw.direction = UInt32(direction)
    return withUnsafeBytes(of: raw) { Array($0) } + Array(text.utf8)
  }

  private func payload(_ text: String, number: UInt32, direction: Int32) -> [UInt8] {
    payloadBytes(text, number: number, direction: direction)
  }
}

extension SampleKeeper {
  fileprivate mutating func add(_ raw: swprof_request_sample) {
    let isTaken = withUnsafeBytes(of: raw) { add(sample: $0) }
    #expect(isTaken)
  }

  fileprivate mutating func add(_ bytes: [UInt8]) {
    let isTaken = bytes.withUnsafeBytes { add(payload: $0) }
    #expect(isTaken)
  }
}
