import CProbes
import ProfileModel

/// The worst requests of each reason and endpoint, with the beginnings of their messages if the user wants these.
struct SampleKeeper {
  private struct Group: Hashable {
    let reason: RequestSample.Reason
    let process: UInt32
    let isServer: UInt8
    let method: UInt8
    let pathHash: UInt64
  }

  private struct MessageKey: Hashable {
    let socket: UInt64
    let inode: UInt64
    let direction: UInt32
    let number: UInt32
  }

  private struct Kept {
    let raw: swprof_request_sample
    let reason: RequestSample.Reason
    let request: [UInt8]?
    let response: [UInt8]?
  }

  /// The number of groups to keep: a server under attack may have any number of paths.
  private static let groupLimit = 2000
  /// The number of messages to hold until their request is kept or dropped.
  private static let messageLimit = 4096

  private let parameters: NetworkOptions
  private var groups: [Group: [Kept]] = [:]
  private var messages: [MessageKey: [UInt8]] = [:]
  /// The held messages, the oldest one first.
  private var order: [MessageKey] = []
  private var oldest = 0
  /// Requests of groups beyond the limit.
  private(set) var groupsFull: UInt64 = 0

  init(_ parameters: NetworkOptions) { self.parameters = parameters }

  /// - Returns: whether it is a sample.
  mutating func add(sample bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count >= MemoryLayout<swprof_request_sample>.size else { return false }
    let raw = unsafe bytes.loadUnaligned(as: swprof_request_sample.self)
    guard let reason = reason(raw) else { return true }
    let group = Group(
      reason: reason, process: raw.tgid, isServer: raw.endpoint.is_server, method: raw.endpoint.method,
      pathHash: raw.endpoint.path_hash)
    if groups[group] == nil, groups.count >= Self.groupLimit {
      groupsFull += 1
      return true
    }
    var kept = groups[group] ?? []
    if kept.count >= parameters.samplesPerEndpoint {
      guard let last = kept.last, raw.leastDuration > last.raw.leastDuration else { return true }
      kept.removeLast()
    }
    let isRequestReceived = raw.endpoint.is_server != 0
    let sample = Kept(
      raw: raw, reason: reason,
      request: message(raw, direction: isRequestReceived ? SWPROF_RECEIVED : SWPROF_SENT, raw.request_number),
      response: message(raw, direction: isRequestReceived ? SWPROF_SENT : SWPROF_RECEIVED, raw.response_number))
    let place = kept.firstIndex { $0.raw.leastDuration < raw.leastDuration } ?? kept.count
    kept.insert(sample, at: place)
    groups[group] = kept
    return true
  }

  /// The kept requests that lack the beginning of one of their messages, if the user wants these.
  var messagesMissing: UInt64 {
    guard parameters.bodyBytes > 0 else { return 0 }
    return UInt64(groups.values.joined().count { $0.request == nil || $0.response == nil })
  }

  /// The first reason of the user's that fits.
  private func reason(_ raw: swprof_request_sample) -> RequestSample.Reason? {
    parameters.reasons.first { reason in
      switch reason {
      case .slow: raw.leastDuration >= parameters.slowerThanNanoseconds
      case .clientError: (400..<500).contains(raw.status)
      case .serverError: raw.status >= 500
      }
    }
  }

  private func message(_ raw: swprof_request_sample, direction: Int32, _ number: UInt32) -> [UInt8]? {
    messages[MessageKey(socket: raw.socket, inode: raw.inode, direction: UInt32(direction), number: number)]
  }

  /// - Returns: whether it is the beginning of a message.
  mutating func add(payload bytes: UnsafeRawBufferPointer) -> Bool {
    let size = MemoryLayout<swprof_payload>.size
    guard bytes.count >= size else { return false }
    let raw = unsafe bytes.loadUnaligned(as: swprof_payload.self)
    guard bytes.count >= size + Int(raw.size) else { return false }
    let key = MessageKey(socket: raw.socket, inode: raw.inode, direction: raw.direction, number: raw.number)
    if messages.updateValue(unsafe [UInt8](bytes[size..<size + Int(raw.size)]), forKey: key) == nil {
      order.append(key)
    }
    while messages.count > Self.messageLimit {
      messages[order[oldest]] = nil
      oldest += 1
    }
    if oldest > Self.messageLimit {
      order.removeFirst(oldest)
      oldest = 0
    }
    return true
  }

  /// All kept requests, by reason, the longest one first.
  func samples(
    _ surroundings: NetworkProfileBuilder.Surroundings, _ options: NetworkCapture.Options
  ) -> [RequestSample] {
    let listed = groups.values.joined().filter { surroundings.isListed(Self.path($0.raw)) }
    return listed.map { ($0.raw.leastDuration, sample($0, surroundings, options)) }.sorted { left, right in
      if left.1.reason != right.1.reason { return order(of: left.1.reason) < order(of: right.1.reason) }
      return (right.0, left.1.startedAt) < (left.0, right.1.startedAt)
    }.map(\.1)
  }

  private static func path(_ raw: swprof_request_sample) -> String {
    raw.endpoint.path_hash == 0 ? HTTPEndpoint.otherPaths : ConnectionRecord.text(raw.path)
  }

  private func order(of reason: RequestSample.Reason) -> Int { parameters.reasons.firstIndex(of: reason) ?? 0 }

  private func sample(
    _ kept: Kept, _ surroundings: NetworkProfileBuilder.Surroundings, _ options: NetworkCapture.Options
  ) -> RequestSample {
    let raw = kept.raw
    let remote = Endpoint(ConnectionRecord.bytes(raw.remote), port: raw.remote_port)
    return RequestSample(
      reason: kept.reason, process: ProcessID(rawValue: Int32(bitPattern: raw.tgid)),
      processName: ConnectionRecord.text(raw.comm), role: raw.endpoint.is_server != 0 ? .server : .client,
      isTLS: raw.endpoint.is_tls != 0, method: HTTPEndpoint.method(raw.endpoint.method),
      path: options.sampledPath(Self.path(raw)),
      status: Int(raw.status), startedAt: surroundings.wallTime(raw.started_ns),
      durationNanoseconds: raw.is_endless != 0 ? nil : raw.duration_ns,
      firstByteNanoseconds: raw.first_byte_ns, requestBytes: raw.request_bytes, responseBytes: raw.response_bytes,
      peer: raw.family == 1 ? "unix" : remote.text,
      request: kept.request.map { options.shownMessage($0) },
      response: kept.response.map { options.shownMessage($0) })
  }
}

extension swprof_request_sample {
  /// The duration of the request; up to the first byte of its answer, if the end of that was not seen.
  fileprivate var leastDuration: UInt64 { is_endless != 0 ? first_byte_ns : duration_ns }
}
