/// What a network capture has seen: who talked to whom, how fast, how lossy, and which requests failed.
package struct NetworkProfile: Equatable, Sendable, Codable {
  package var source: NetworkSource
  /// Who talks: the processes and remote ends that edges refer to by their places here.
  package var nodes: [NetworkNode]
  package var edges: [NetworkEdge]
  /// The connections with most bytes; edges have the sums of all.
  package var connections: [NetworkConnection]
  /// How many connections there were, those that are not listed included.
  package var connectionCount: UInt64
  package var endpoints: [HTTPEndpoint]
  /// The worst requests of each reason and endpoint, the worst first.
  package var samples: [RequestSample]
  /// Packets that the kernel dropped on sockets of the targets, by its own reasons (`enum skb_drop_reason`).
  package var drops: [String: UInt64]
  /// What was not seen, or not seen whole.
  package var losses: [NetworkLoss: UInt64]

  package init(
    source: NetworkSource, nodes: [NetworkNode] = [], edges: [NetworkEdge] = [],
    connections: [NetworkConnection] = [], connectionCount: UInt64 = 0, endpoints: [HTTPEndpoint] = [],
    samples: [RequestSample] = [], drops: [String: UInt64] = [:], losses: [NetworkLoss: UInt64] = [:]
  ) {
    self.source = source
    self.nodes = nodes
    self.edges = edges
    self.connections = connections
    self.connectionCount = connectionCount
    self.endpoints = endpoints
    self.samples = samples
    self.drops = drops
    self.losses = losses
  }

  /// Whether all places of nodes and edges are there; those of a damaged document may not be.
  package var isConsistent: Bool {
    edges.allSatisfy { nodes.indices.contains($0.client) && nodes.indices.contains($0.server) }
      && connections.allSatisfy { edges.indices.contains($0.edge) }
  }
}

/// Which probes a capture has used.
package struct NetworkSource: Equatable, Sendable, Codable {
  package enum Kind: String, Sendable, Codable {
    /// Tracepoints of the socket layer: they also see io_uring, sendfile and sendmmsg, and cost other calls nothing.
    case sockets
    /// The ends of system calls: whatever does not go through read, write, send or receive calls is invisible.
    case systemCalls = "system_calls"
  }

  /// What counts calls and bytes.
  package var kind: Kind
  /// What the content of received, and of sent data is read through.
  package var received: Kind
  package var sent: Kind
  /// Whether the time that system calls take was measured.
  package var hasCallTimes: Bool
  /// Whether the time of a request over TCP starts at a server when it arrives, and not when it is read; nil in tasks of
  /// an earlier swprof, where it is when it is read.
  package var hasArrivalTimes: Bool?

  package init(kind: Kind, received: Kind, sent: Kind, hasCallTimes: Bool, hasArrivalTimes: Bool? = nil) {
    self.kind = kind
    self.received = received
    self.sent = sent
    self.hasCallTimes = hasCallTimes
    self.hasArrivalTimes = hasArrivalTimes
  }
}

/// One who talks.
package enum NetworkNode: Hashable, Sendable, Codable {
  /// - Parameters:
  ///   - isTarget: whether the capture was about this process.
  ///   - cgroup: its control group, of version 2; nil where it is not known.
  case process(ProcessID, name: String, isTarget: Bool, cgroup: String?)
  /// Processes of one program that came and went, and were clients of the same servers.
  case program(name: String, count: UInt64, isTarget: Bool, cgroup: String?)
  /// Another machine, or a process of this one that could not be found.
  ///
  /// - Parameters:
  ///   - address: as text, IPv6 without brackets; or the path of a unix socket, `@` first where it is abstract.
  ///   - port: nil for clients, whose ports mean nothing, and for unix sockets.
  ///   - name: from /etc/hosts.
  ///   - namespace: the inode of the network namespace that a loopback address or a unix socket is in, where that is not
  ///     swprof's own; nil for all other addresses.
  case remote(address: String, port: UInt16?, name: String?, namespace: UInt32? = nil)
  /// What there was no room for.
  case other(count: UInt64)
}

package enum NetworkTransport: String, Hashable, Sendable, Codable {
  case tcp
  /// TCP over several paths (RFC 8684), of which the figures of each are not known.
  case mptcp
  case udp
  case unix
  /// A unix socket that carries datagrams.
  case unixDatagram = "unix_dgram"
}

/// What a connection speaks, as its first bytes tell.
package enum NetworkProtocol: String, Hashable, Sendable, Codable, CaseIterable {
  case unknown
  case http1 = "http/1"
  case http2 = "http/2"
  case tls
  case redis
  case postgresql
  case mysql
  case dns
  case kafka

  /// As it is shown.
  package var name: String {
    switch self {
    case .unknown: "unknown"
    case .http1: "HTTP/1"
    case .http2: "HTTP/2"
    case .tls: "TLS"
    case .redis: "Redis"
    case .postgresql: "PostgreSQL"
    case .mysql: "MySQL"
    case .dns: "DNS"
    case .kafka: "Kafka"
    }
  }
}

/// Who of the two ends a process is.
package enum NetworkRole: String, Hashable, Sendable, Codable {
  case client
  case server
}

/// All connections between two nodes that speak the same.
package struct NetworkEdge: Equatable, Sendable, Codable {
  /// Places in `NetworkProfile.nodes`.
  package var client: Int
  package var server: Int
  package var transport: NetworkTransport
  package var speaks: NetworkProtocol
  /// Whether it is encrypted; the content was then read through the process's TLS library, or not at all.
  package var isTLS: Bool
  /// What the client's process saw; nil where that is no target.
  package var clientView: NetworkTotals?
  /// What the server's process saw. The difference of both views is the network and its queues.
  package var serverView: NetworkTotals?

  package init(
    client: Int, server: Int, transport: NetworkTransport, speaks: NetworkProtocol, isTLS: Bool = false,
    clientView: NetworkTotals? = nil, serverView: NetworkTotals? = nil
  ) {
    self.client = client
    self.server = server
    self.transport = transport
    self.speaks = speaks
    self.isTLS = isTLS
    self.clientView = clientView
    self.serverView = serverView
  }

  /// Adds the views of an edge of the same kind.
  package mutating func add(_ other: NetworkEdge) {
    clientView = Self.sum(clientView, other.clientView)
    serverView = Self.sum(serverView, other.serverView)
  }

  private static func sum(_ left: NetworkTotals?, _ right: NetworkTotals?) -> NetworkTotals? {
    guard var left, let right else { return left ?? right }
    left.add(right)
    return left
  }

  /// The view that there is, of both the client's.
  package var view: NetworkTotals { clientView ?? serverView ?? NetworkTotals() }
}

/// The sums of connections as one end saw them. They wrap rather than trap: a stored document may hold any numbers.
package struct NetworkTotals: Equatable, Sendable {
  package var connections: UInt64 = 0
  /// Of them, those that began during the capture.
  package var opened: UInt64 = 0
  /// Of all, those that had ended when the capture did.
  package var closed: UInt64 = 0
  /// Of those, how many ended with a reset of either side.
  package var resets: UInt64 = 0
  /// Attempts to connect that failed.
  package var failed: UInt64 = 0
  package var bytesSent: UInt64 = 0
  package var bytesReceived: UInt64 = 0
  package var sends: UInt64 = 0
  package var receives: UInt64 = 0
  /// Segments that TCP sent again.
  package var retransmits: UInt64 = 0
  /// Packets that the kernel dropped.
  package var drops: UInt64 = 0
  /// From the call that connects until the connection stands.
  package var connectTime = LatencyHistogram()
  /// From the moment that a connection stands until it is accepted; empty where call times were not measured.
  package var acceptDelay = LatencyHistogram()
  /// The time of send and of receive calls; empty where call times were not measured. Receiving includes waiting.
  package var sendTime = LatencyHistogram()
  package var receiveTime = LatencyHistogram()
  package var closeTime = LatencyHistogram()
  /// TCP's own smoothed round-trip time, a value for each connection: its last one.
  package var roundTrip = LatencyHistogram()
  package var requests = RequestTotals()
  /// HTTP messages that were sent and whose end TCP held back until the other side acknowledged earlier bytes (Nagle's
  /// algorithm, RFC 896), and for how long in sum, to a tick of the kernel each.
  package var heldMessages: UInt64 = 0
  package var heldNanoseconds: UInt64 = 0

  package init() {}

  package mutating func add(_ other: NetworkTotals) {
    connections &+= other.connections
    opened &+= other.opened
    failed &+= other.failed
    closed &+= other.closed
    resets &+= other.resets
    bytesSent &+= other.bytesSent
    bytesReceived &+= other.bytesReceived
    sends &+= other.sends
    receives &+= other.receives
    retransmits &+= other.retransmits
    drops &+= other.drops
    connectTime.add(other.connectTime)
    acceptDelay.add(other.acceptDelay)
    sendTime.add(other.sendTime)
    receiveTime.add(other.receiveTime)
    closeTime.add(other.closeTime)
    roundTrip.add(other.roundTrip)
    requests.add(other.requests)
    heldMessages &+= other.heldMessages
    heldNanoseconds &+= other.heldNanoseconds
  }
}

/// One connection, as one of its ends saw it.
package struct NetworkConnection: Equatable, Sendable, Codable {
  /// An index into `NetworkProfile.edges`.
  package var edge: Int
  package var role: NetworkRole
  package var process: ProcessID
  package var processName: String
  /// The descriptor, where it was seen.
  package var descriptor: Int32?
  /// The inode of the network namespace that it is in; nil in tasks of an earlier swprof.
  package var namespace: UInt32?
  /// `10.0.0.1:80`, `[::1]:80`, or the path of a unix socket; empty where there is none.
  package var local: String
  package var remote: String
  /// When it began; nil for one that is older than the capture.
  package var openedAt: WallTime?
  /// When it ended; nil for one that outlasted the capture.
  package var closedAt: WallTime?
  package var totals: NetworkTotals

  package init(
    edge: Int, role: NetworkRole, process: ProcessID, processName: String, descriptor: Int32? = nil,
    namespace: UInt32? = nil, local: String, remote: String, openedAt: WallTime? = nil, closedAt: WallTime? = nil,
    totals: NetworkTotals
  ) {
    self.namespace = namespace
    self.edge = edge
    self.role = role
    self.process = process
    self.processName = processName
    self.descriptor = descriptor
    self.local = local
    self.remote = remote
    self.openedAt = openedAt
    self.closedAt = closedAt
    self.totals = totals
  }
}

/// The requests for one path, as a process received or made them.
package struct HTTPEndpoint: Equatable, Sendable, Codable {
  package var process: ProcessID
  package var processName: String
  /// How many processes of one program these are, which came and went; `process` is one of them. nil: one.
  package var instances: UInt64?
  package var role: NetworkRole
  package var isTLS: Bool
  package var method: String
  /// Without its query; cut where it is very long. `(other paths)` where there was no room for more of them.
  package var path: String
  package var totals: RequestTotals

  package init(
    process: ProcessID, processName: String, role: NetworkRole, isTLS: Bool = false, method: String, path: String,
    totals: RequestTotals = RequestTotals()
  ) {
    self.process = process
    self.processName = processName
    self.role = role
    self.isTLS = isTLS
    self.method = method
    self.path = path
    self.totals = totals
  }
}

/// A request that was kept, because it was slow or failed.
package struct RequestSample: Equatable, Sendable, Codable {
  package enum Reason: String, Sendable, Codable, CaseIterable {
    case slow
    case clientError = "4xx"
    case serverError = "5xx"
  }

  package var reason: Reason
  package var process: ProcessID
  package var processName: String
  package var role: NetworkRole
  package var isTLS: Bool
  package var method: String
  package var path: String
  package var status: Int
  /// When its first byte was seen.
  package var startedAt: WallTime
  /// Nil where the end of the answer was not seen.
  package var durationNanoseconds: UInt64?
  package var firstByteNanoseconds: UInt64
  package var requestBytes: UInt64
  package var responseBytes: UInt64
  /// The other end: `10.0.0.7:52114`.
  package var peer: String
  /// The beginning of the messages, with secrets blanked; only where they were asked for.
  package var request: String?
  package var response: String?

  package init(
    reason: Reason, process: ProcessID, processName: String, role: NetworkRole, isTLS: Bool = false, method: String,
    path: String, status: Int, startedAt: WallTime, durationNanoseconds: UInt64?, firstByteNanoseconds: UInt64,
    requestBytes: UInt64, responseBytes: UInt64, peer: String, request: String? = nil, response: String? = nil
  ) {
    self.reason = reason
    self.process = process
    self.processName = processName
    self.role = role
    self.isTLS = isTLS
    self.method = method
    self.path = path
    self.status = status
    self.startedAt = startedAt
    self.durationNanoseconds = durationNanoseconds
    self.firstByteNanoseconds = firstByteNanoseconds
    self.requestBytes = requestBytes
    self.responseBytes = responseBytes
    self.peer = peer
    self.request = request
    self.response = response
  }
}

/// What a network capture could not see, or not whole.
package enum NetworkLoss: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
  case connectionTableFull = "connection_table_full"
  case connectionRecordLost = "connection_record_lost"
  case connectionUnlisted = "connection_unlisted"
  case sampleRecordLost = "sample_record_lost"
  case sampleGroupFull = "sample_group_full"
  case payloadRecordLost = "payload_record_lost"
  case payloadMissing = "payload_missing"
  case endpointTableFull = "endpoint_table_full"
  case peerTableFull = "peer_table_full"
  case callTableFull = "call_table_full"
  case threadTableFull = "thread_table_full"
  case targetTableFull = "target_table_full"
  case payloadUnreadable = "payload_unreadable"
  case payloadSkipped = "payload_skipped"
  case pipelineOverflow = "pipeline_overflow"
  case responseUnmatched = "response_unmatched"
  case messageLost = "message_lost"
  case requestUnpaired = "request_unpaired"
  case tlsUnbound = "tls_unbound"
  case tlsUnread = "tls_unread"
  case execRecordLost = "exec_record_lost"
  case recordMalformed = "record_malformed"

  package var explanation: String {
    switch self {
    case .connectionTableFull: "calls on connections that found no place in the table"
    case .connectionRecordLost: "ended connections whose record found no room"
    case .connectionUnlisted: "connections that are in the sums only, being too many to list"
    case .sampleRecordLost: "requests that should have been kept and found no room"
    case .sampleGroupFull: "requests that should have been kept, of more paths than are"
    case .payloadMissing: "requests that were kept without the beginning of a message"
    case .payloadRecordLost: "beginnings of messages that found no room"
    case .endpointTableFull: "requests whose path found no place of its own"
    case .peerTableFull: "requests that are in no distribution of an edge"
    case .callTableFull: "calls that are in no distribution of an edge"
    case .threadTableFull: "calls of threads that the kernel had no memory for"
    case .targetTableFull: "processes that found no place in the table of targets"
    case .payloadUnreadable: "calls whose data could not be read"
    case .payloadSkipped: "calls with more data than is looked at"
    case .pipelineOverflow: "requests behind more unanswered ones than are kept"
    case .responseUnmatched: "answers without a request that was seen"
    case .messageLost: "HTTP messages whose head was seen, and whose end was not"
    case .requestUnpaired: "requests whose answer was not seen, or not told from others"
    case .tlsUnbound: "TLS calls whose connection is not known"
    case .tlsUnread: "encrypted connections that were not read"
    case .execRecordLost: "programs that targets began, whose encryption may not be read"
    case .recordMalformed: "records malformed"
    }
  }
}
