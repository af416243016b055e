import CProbes
import ProfileModel

/// The kernel side's record of a connection.
struct ConnectionRecord {
  let raw: swprof_connection

  init(_ raw: swprof_connection) { self.raw = raw }

  /// - Parameter bytes: a `struct swprof_connection`.
  init(decoding bytes: UnsafeRawBufferPointer) throws(NetworkRecordError) {
    guard bytes.count >= MemoryLayout<swprof_connection>.size else { throw .truncated(actual: bytes.count) }
    raw = unsafe bytes.loadUnaligned(as: swprof_connection.self)
  }

  var process: ProcessID { ProcessID(rawValue: Int32(bitPattern: raw.tgid)) }
  var processName: String { Self.text(raw.comm) }
  /// The process at the other end; nil if it is unknown or on another host.
  var peer: ProcessID? { raw.peer_tgid == 0 ? nil : ProcessID(rawValue: Int32(bitPattern: raw.peer_tgid)) }
  var peerName: String { Self.text(raw.peer_comm) }
  var role: NetworkRole { has(SWPROF_CONNECTION_SERVER) ? .server : .client }
  var descriptor: Int32? { raw.fd < 0 ? nil : raw.fd }
  var isSeeded: Bool { has(SWPROF_CONNECTION_SEEDED) }
  var isTLS: Bool { has(SWPROF_CONNECTION_TLS) }
  var speaksHTTP: Bool { has(SWPROF_CONNECTION_HTTP) }

  func has(_ flag: Int32) -> Bool { raw.flags & UInt32(flag) != 0 }

  /// Whether it ended during the capture: the kernel reported its end, or no process has it open any more.
  var hasEnded: Bool { has(SWPROF_CONNECTION_CLOSED) || !has(SWPROF_CONNECTION_SEEN) }

  var transport: NetworkTransport {
    let isStream = raw.type == 1
    if raw.family == 1 { return isStream ? .unix : .unixDatagram }
    guard isStream else { return .udp }
    return has(SWPROF_CONNECTION_TCP) ? .tcp : .mptcp
  }

  /// Whether no other connection can have this flow at the same time.
  var isIPStream: Bool { transport == .tcp || transport == .mptcp }

  /// The inode of its network namespace; nil: unknown.
  var namespace: UInt32? { raw.netns == 0 ? nil : raw.netns }
  var flow: ConnectionFlow {
    ConnectionFlow(local: local, remote: remote, namespace: raw.netns, type: raw.type)
  }
  var local: Endpoint { Endpoint(Self.bytes(raw.local), port: raw.local_port) }
  var remote: Endpoint { Endpoint(Self.bytes(raw.remote), port: raw.remote_port) }
  /// The path of a unix socket: its own or, of a client, its peer's.
  var path: String {
    let bytes = Self.bytes(raw.path)
    let isAbstract = bytes.first == 0 && bytes.contains { $0 != 0 }
    let name = (isAbstract ? bytes.dropFirst() : bytes[...]).prefix { $0 != 0 }
    return (isAbstract ? "@" : "") + String(decoding: name, as: UTF8.self)
  }

  /// The first bytes of a direction.
  func prefix(_ direction: Int32) -> [UInt8] {
    let bytes = Self.bytes(raw.prefix)
    let size = Int(direction == SWPROF_RECEIVED ? raw.prefix_size.0 : raw.prefix_size.1)
    let start = Int(direction) * Int(SWPROF_PREFIX_SIZE)
    return Array(bytes[start..<start + min(size, Int(SWPROF_PREFIX_SIZE))])
  }

  /// Whether content was read of one direction only.
  var isReadOneWay: Bool { (raw.prefix_size.0 > 0) != (raw.prefix_size.1 > 0) }

  /// The bytes received in all: TCP's own count, if it is more than calls have fetched.
  var bytesReceived: UInt64 { total(raw.bytes.0, raw.tcp.bytes_received &- raw.tcp_before.bytes_received) }

  /// The bytes sent in all: TCP's count of acknowledged bytes, if it is more than calls have sent.
  var bytesSent: UInt64 {
    // TCP counts the SYN of the side that connects as a byte.
    let beginning: UInt64 = role == .client && !isSeeded ? 1 : 0
    return total(raw.bytes.1, raw.tcp.bytes_acked &- raw.tcp_before.bytes_acked &- beginning)
  }

  private func total(_ ofCalls: UInt64, _ ofTCP: UInt64) -> UInt64 {
    raw.tcp.is_known != 0 && ofTCP < 1 << 63 ? max(ofCalls, ofTCP) : ofCalls
  }

  var totals: NetworkTotals {
    var totals = NetworkTotals()
    totals.connections = 1
    totals.opened = isSeeded ? 0 : 1
    totals.failed = has(SWPROF_CONNECTION_FAILED) ? 1 : 0
    totals.closed = hasEnded ? 1 : 0
    totals.resets = has(SWPROF_CONNECTION_RESET_SENT) || has(SWPROF_CONNECTION_RESET_RECEIVED) ? 1 : 0
    totals.bytesSent = bytesSent
    totals.bytesReceived = bytesReceived
    totals.receives = raw.calls.0
    totals.sends = raw.calls.1
    totals.drops = UInt64(raw.drops)
    if raw.tcp.is_known != 0 {
      totals.retransmits = UInt64(raw.tcp.retransmits &- raw.tcp_before.retransmits)
      if raw.tcp.round_trip_us > 0 { totals.roundTrip.add(nanoseconds: UInt64(raw.tcp.round_trip_us) * 1000) }
    }
    if raw.connect_ns > 0 { totals.connectTime.add(nanoseconds: raw.connect_ns) }
    if raw.accept_ns > 0 { totals.acceptDelay.add(nanoseconds: raw.accept_ns) }
    if raw.close_ns > 0 { totals.closeTime.add(nanoseconds: raw.close_ns) }
    totals.receiveTime.sumNanoseconds = raw.call_ns.0
    totals.receiveTime.maximumNanoseconds = raw.call_max_ns.0
    totals.sendTime.sumNanoseconds = raw.call_ns.1
    totals.sendTime.maximumNanoseconds = raw.call_max_ns.1
    totals.heldMessages = raw.held
    totals.heldNanoseconds = raw.held_ns
    totals.requests = requests
    return totals
  }

  /// The requests, without the distribution of their durations: that is kept by peer.
  private var requests: RequestTotals {
    var requests = RequestTotals()
    requests.setCounts(
      raw.requests, finished: Self.counts(raw.finished), answered: Self.counts(raw.answered),
      endsMissed: raw.ends_missed, unpaired: raw.unpaired)
    requests.durations.sumNanoseconds = raw.duration_ns
    requests.durations.maximumNanoseconds = raw.duration_max_ns
    requests.firstByteNanoseconds = raw.first_byte_ns
    requests.requestBytes = raw.request_bytes
    requests.responseBytes = raw.response_bytes
    return requests
  }

  /// The bytes of a C array, which Swift imports as a tuple.
  static func bytes<Value: BitwiseCopyable>(_ value: Value) -> [UInt8] {
    unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
  }

  /// The numbers of a C array of `__u64`, which Swift imports as a tuple.
  static func counts<Value: BitwiseCopyable>(_ value: Value) -> [UInt64] {
    unsafe withUnsafeBytes(of: value) { bytes in unsafe Array(bytes.bindMemory(to: UInt64.self)) }
  }

  /// The text in an array of bytes, up to a zero.
  static func text<Value: BitwiseCopyable>(_ value: Value) -> String {
    String(decoding: bytes(value).prefix { $0 != 0 }, as: UTF8.self)
  }
}

extension RequestTotals {
  /// Takes the kernel's counters.
  ///
  /// - Parameters:
  ///   - finished: requests that were answered whole, by the first digit of the status.
  ///   - answered: requests whose answer has begun, and whose end was not seen.
  ///   - endsMissed: the part of `answered` whose end was lost.
  mutating func setCounts(
    _ count: UInt64, finished: [UInt64], answered: [UInt64], endsMissed: UInt64, unpaired: UInt64
  ) {
    let endless = answered.reduce(0, &+)
    self.count = count
    statusClasses = zip(finished, answered).map { $0 &+ $1 }
    self.endsMissed = min(endsMissed, endless)
    notEnded = endless - self.endsMissed
    self.unpaired = unpaired
    let known = self.answered &+ unpaired
    unanswered = count > known ? count - known : 0
  }
}

/// Why a record of the network programs cannot be read: a bug of ours.
enum NetworkRecordError: Error, Equatable {
  case truncated(actual: Int)
  case unknown(kind: UInt32)
}

/// An end of an IP connection.
struct Endpoint: Hashable {
  /// IPv4 addresses as `::ffff:a.b.c.d`.
  let address: [UInt8]
  let port: UInt16

  init(_ address: [UInt8], port: UInt16) {
    self.address = address
    self.port = port
  }

  /// Whether the address is one of the host itself: 127.0.0.0/8, ::1.
  var isLoopback: Bool {
    isIPv4 ? address[12] == 127 : address.dropLast().allSatisfy { $0 == 0 } && address[15] == 1
  }

  private var isIPv4: Bool { address.prefix(10).allSatisfy { $0 == 0 } && address[10] == 0xff && address[11] == 0xff }

  /// The address as text: `10.0.0.1`, `fe80::1` (RFC 5952).
  var addressText: String {
    if isIPv4 { return address[12...].map(String.init).joined(separator: ".") }
    let groups = stride(from: 0, to: 16, by: 2).map { UInt16(address[$0]) << 8 | UInt16(address[$0 + 1]) }
    // The longest run of zeros, of two at least, is left out.
    var longest = 0..<0
    var start = 0
    while start < 8 {
      let end = groups[start...].firstIndex { $0 != 0 } ?? 8
      if end - start > max(1, longest.count) { longest = start..<end }
      start = max(end, start + 1)
    }
    func text(_ range: Range<Int>) -> String {
      groups[range].map { String($0, radix: 16) }.joined(separator: ":")
    }
    return longest.isEmpty ? text(0..<8) : "\(text(0..<longest.lowerBound))::\(text(longest.upperBound..<8))"
  }

  /// `10.0.0.1:80`, `[fe80::1]:80`.
  var text: String { isIPv4 ? "\(addressText):\(port)" : "[\(addressText)]:\(port)" }
}
