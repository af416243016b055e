import CProbes
import ProfileModel

/// Builds the profile from connections, endpoints and requests: which node talks to which, and how.
struct NetworkProfileBuilder {
  /// The number of connections to list. The others are in the sums only.
  private static let listedConnections = 1000
  /// The number of ended connections to keep until the end, when all flows are known.
  private static let keptConnections = 50_000

  /// Facts about processes and addresses that come from elsewhere.
  struct Surroundings {
    /// The process of a flow, if it is no target.
    var owner: (ConnectionFlow) -> (ProcessID, String)?
    var isTarget: (ProcessID) -> Bool
    var name: (ProcessID) -> String?
    var cgroup: (ProcessID) -> String?
    var hostName: (String) -> String?
    /// The inode of swprof's own network namespace; nil: unknown.
    var ownNamespace: UInt32?
    /// Whether requests for a path are listed.
    var isListed: (String) -> Bool
    /// Turns a path into the one to show.
    var shownPath: (String) -> String
    /// The protocol of a connection.
    var speaks: (ConnectionRecord) -> NetworkProtocol
    /// Why an encrypted connection was not read.
    var unreadReason: (ConnectionRecord) -> String
    /// Turns a time of the monotonic clock into wall time.
    var wallTime: (UInt64) -> WallTime
  }

  /// Encrypted connections that were not read, of one process and for one reason.
  private struct Unread: Hashable {
    let process: ProcessID
    let name: String
    let reason: String
  }

  private struct EdgeKey: Hashable {
    let client: NetworkNode
    let server: NetworkNode
    let transport: NetworkTransport
    let speaks: NetworkProtocol
    let isTLS: Bool
  }

  private var records: [ConnectionRecord] = []
  private(set) var connectionCount: UInt64 = 0
  private var nodes: [NetworkNode] = []
  private var nodeIndices: [NetworkNode: Int] = [:]
  private var edges: [NetworkEdge] = []
  private var edgeIndices: [EdgeKey: Int] = [:]
  private var connections: [NetworkConnection] = []
  private var processNames: [ProcessID: String] = [:]
  /// When the connection that a process is named by began, in ns.
  private var nameTimes: [ProcessID: UInt64] = [:]
  /// The nodes that an edge leads to.
  private var processNodes: [ProcessID: NetworkNode] = [:]
  /// The processes that have connections of their own: the targets, also those that have ended.
  private var owners: Set<ProcessID> = []
  /// The process of each flow of the targets.
  private var flows = FlowOwners<ProcessID>()
  private var inodes: [UInt64: ProcessID] = [:]
  /// The distributions that are part of an edge already.
  private var placedTimes: Set<PeerKey> = []
  private var unread: [Unread: UInt64] = [:]

  /// The key of durations in the kernel.
  struct PeerKey: Hashable {
    enum Kind: Hashable {
      case received
      case made
      case receiveCalls
      case sendCalls
    }

    let process: UInt32
    /// Whether the durations are those of requests or of calls.
    let kind: Kind
    let peer: UInt64
  }

  /// Takes a connection that has ended, or that outlasts the capture.
  mutating func add(_ record: ConnectionRecord) {
    connectionCount += 1
    records.append(record)
    owners.insert(record.process)
    if record.isIPStream { flows.note(record.flow, record.process) }
    if record.raw.inode != 0 { inodes[record.raw.inode] = record.process }
    // Until a process has a node, it has the name from its latest connection.
    if processNodes[record.process] == nil, record.raw.first_ns >= nameTimes[record.process] ?? 0 {
      nameTimes[record.process] = record.raw.first_ns
      processNames[record.process] = record.processName
    }
  }

  /// Whether to fold the connections so far, to bound memory.
  var isFull: Bool { records.count >= Self.keptConnections }

  /// Sums up the connections so far, with the owners of flows that are known by now.
  mutating func fold(_ surroundings: Surroundings, times: [PeerKey: LatencyHistogram] = [:]) {
    for record in records { fold(record, surroundings, times) }
    records.removeAll(keepingCapacity: true)
    flows.removeAll()
    inodes.removeAll(keepingCapacity: true)
  }

  private mutating func fold(
    _ record: ConnectionRecord, _ surroundings: Surroundings, _ times: [PeerKey: LatencyHistogram]
  ) {
    let own = processNode(record.process, name: record.processName, surroundings)
    let peer = peerNode(of: record, surroundings)
    let isServer = record.role == .server
    let speaks = record.speaksHTTP ? .http1 : surroundings.speaks(record)
    if speaks == .tls, !record.isTLS || record.isReadOneWay {
      let name = processNames[record.process] ?? record.processName
      let reason =
        record.isTLS
        ? "its calls were seen in one direction only, as probes came or went meanwhile"
        : surroundings.unreadReason(record)
      unread[Unread(process: record.process, name: name, reason: reason), default: 0] += 1
    }
    let key = EdgeKey(
      client: isServer ? peer : own, server: isServer ? own : peer, transport: record.transport, speaks: speaks,
      isTLS: record.isTLS)
    let edge = edgeIndex(key)
    var totals = record.totals
    let connection = totals
    place(times, of: record, in: &totals)
    if isServer {
      edges[edge].serverView = edges[edge].serverView ?? NetworkTotals()
      edges[edge].serverView?.add(totals)
    } else {
      edges[edge].clientView = edges[edge].clientView ?? NetworkTotals()
      edges[edge].clientView?.add(totals)
    }
    list(record, edge: edge, totals: connection, surroundings)
  }

  /// Adds the distributions of a process and a peer to the first connection between them.
  private mutating func place(
    _ times: [PeerKey: LatencyHistogram], of record: ConnectionRecord, in totals: inout NetworkTotals
  ) {
    func key(_ kind: PeerKey.Kind) -> PeerKey {
      PeerKey(process: record.raw.tgid, kind: kind, peer: record.raw.peer)
    }
    let requests = key(record.has(SWPROF_CONNECTION_HTTP_SERVER) ? .received : .made)
    for (key, field) in [
      (requests, \NetworkTotals.requests.durations), (key(.receiveCalls), \.receiveTime), (key(.sendCalls), \.sendTime),
    ] {
      guard let distribution = times[key], key != requests || record.speaksHTTP, placedTimes.insert(key).inserted else {
        continue
      }
      totals[keyPath: field].add(distribution)
    }
  }

  /// The number of encrypted connections that were not read.
  var unreadCount: UInt64 { unread.values.reduce(0, +) }

  /// The number of processes to name for their encrypted connections.
  private static let namedUnread = 20

  /// Sentences on the connections that were not read, by process and reason; the most connections first.
  var unreadSentences: [String] {
    let sorted = unread.sorted { ($1.value, $0.key.process) < ($0.value, $1.key.process) }
    let sentences = sorted.prefix(Self.namedUnread).map { key, count in
      "process \(key.process) (\(key.name)): \(count) encrypted connection\(count == 1 ? "" : "s")"
        + " not read: \(key.reason)"
    }
    let left = sorted.dropFirst(Self.namedUnread)
    if left.isEmpty { return sentences }
    return sentences + ["\(left.reduce(0) { $0 + $1.value }) encrypted connections of other processes not read"]
  }

  private mutating func list(
    _ record: ConnectionRecord, edge: Int, totals: NetworkTotals, _ surroundings: Surroundings
  ) {
    let isIP = record.raw.family != 1
    let hasEnded = record.hasEnded && record.raw.closed_ns > 0
    connections.append(
      NetworkConnection(
        edge: edge, role: record.role, process: record.process, processName: record.processName,
        descriptor: record.descriptor, namespace: record.namespace,
        local: isIP ? record.local.text : record.role == .server ? record.path : "",
        remote: isIP
          ? (record.raw.remote_port == 0 ? "" : record.remote.text) : record.role == .client ? record.path : "",
        openedAt: record.isSeeded ? nil : surroundings.wallTime(record.raw.first_ns),
        closedAt: hasEnded ? surroundings.wallTime(record.raw.closed_ns) : nil, totals: totals))
    if connections.count >= 2 * Self.listedConnections { keepHeaviest() }
  }

  /// The number of connections in the sums that are not in the list.
  var unlistedCount: UInt64 { connectionCount - UInt64(records.count + connections.count) }

  private mutating func keepHeaviest() {
    connections.sort {
      let (left, right) = ($0.totals.bytesSent + $0.totals.bytesReceived, $1.totals.bytesSent + $1.totals.bytesReceived)
      return left != right ? left > right : ($0.local, $0.remote) < ($1.local, $1.remote)
    }
    connections.removeLast(max(0, connections.count - Self.listedConnections))
  }

  // MARK: - Ends

  private mutating func peerNode(of record: ConnectionRecord, _ surroundings: Surroundings) -> NetworkNode {
    if let (process, name) = peerProcess(of: record, surroundings) {
      return processNode(process, name: name, surroundings)
    }
    let namespace = record.namespace == surroundings.ownNamespace ? nil : record.namespace
    if record.raw.family == 1 {
      return .remote(
        address: record.path.isEmpty ? "unix" : record.path, port: nil, name: nil, namespace: namespace)
    }
    let address = record.remote.addressText
    if record.raw.remote_port == 0 { return .remote(address: "any", port: nil, name: nil) }
    return .remote(
      address: address, port: record.role == .client ? record.raw.remote_port : nil,
      name: surroundings.hostName(address), namespace: record.remote.isLoopback ? namespace : nil)
  }

  private func peerProcess(
    of record: ConnectionRecord, _ surroundings: Surroundings
  ) -> (ProcessID, String)? {
    if record.raw.family == 1 {
      if let process = inodes[record.raw.peer_inode], record.raw.peer_inode != 0 {
        return (process, processNames[process] ?? "")
      }
    } else if record.raw.remote_port != 0 {
      if record.isIPStream, let process = flows.owner(of: record.flow.reversed) {
        return (process, processNames[process] ?? "")
      }
      if let (process, name) = surroundings.owner(record.flow.reversed) { return (process, name) }
    }
    return record.peer.map { ($0, record.peerName) }
  }

  /// The node of a process. Its facts are read at the first connection, as the process may end at any time.
  private mutating func processNode(_ process: ProcessID, name: String, _ surroundings: Surroundings) -> NetworkNode {
    if let known = processNodes[process] { return known }
    let known = processNames[process] ?? (name.isEmpty ? surroundings.name(process) : name) ?? ""
    processNames[process] = known
    let node = NetworkNode.process(
      process, name: known, isTarget: owners.contains(process) || surroundings.isTarget(process),
      cgroup: surroundings.cgroup(process))
    processNodes[process] = node
    return node
  }

  private mutating func nodeIndex(_ node: NetworkNode) -> Int {
    if let known = nodeIndices[node] { return known }
    nodes.append(node)
    nodeIndices[node] = nodes.count - 1
    return nodes.count - 1
  }

  private mutating func edgeIndex(_ key: EdgeKey) -> Int {
    if let known = edgeIndices[key] { return known }
    edges.append(
      NetworkEdge(
        client: nodeIndex(key.client), server: nodeIndex(key.server), transport: key.transport, speaks: key.speaks,
        isTLS: key.isTLS))
    edgeIndices[key] = edges.count - 1
    return edges.count - 1
  }

  // MARK: - The whole

  /// - Parameters:
  ///   - endpoints: with the kernel's keys.
  ///   - samples: in any order.
  mutating func profile(
    source: NetworkSource, endpoints: [(swprof_endpoint_key, swprof_endpoint)], samples: [RequestSample],
    times: [PeerKey: LatencyHistogram], surroundings: Surroundings
  ) -> NetworkProfile {
    fold(surroundings, times: times)
    keepHeaviest()
    return NetworkProfile(
      source: source, nodes: nodes, edges: edges, connections: connections, connectionCount: connectionCount,
      endpoints: Self.endpoints(endpoints, surroundings), samples: samples)
  }

  private struct EndpointKey: Hashable {
    let process: ProcessID
    let role: NetworkRole
    let isTLS: Bool
    let method: String
    let path: String
  }

  /// The endpoints to list, merged by shown path, the busiest one first.
  static func endpoints(
    _ raw: [(swprof_endpoint_key, swprof_endpoint)], _ surroundings: Surroundings
  ) -> [HTTPEndpoint] {
    var byKey: [EndpointKey: HTTPEndpoint] = [:]
    for (key, value) in raw {
      let endpoint = HTTPEndpoint(key, value)
      guard surroundings.isListed(endpoint.path) else { continue }
      let path = surroundings.shownPath(endpoint.path)
      let group = EndpointKey(
        process: endpoint.process, role: endpoint.role, isTLS: endpoint.isTLS, method: endpoint.method, path: path)
      var sum = byKey[group] ?? endpoint
      if byKey[group] == nil { sum.path = path } else { sum.totals.add(endpoint.totals) }
      byKey[group] = sum
    }
    return byKey.values.sorted {
      $0.totals.count != $1.totals.count
        ? $0.totals.count > $1.totals.count
        : ($0.process, $0.path, $0.method) < ($1.process, $1.path, $1.method)
    }
  }
}

extension HTTPEndpoint {
  /// The path of requests whose own path found no place in the table.
  static let otherPaths = "(other paths)"

  private static let methods = [
    "other", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
  ]

  static func method(_ number: UInt8) -> String {
    methods.indices.contains(Int(number)) ? methods[Int(number)] : "other"
  }

  init(_ key: swprof_endpoint_key, _ value: swprof_endpoint) {
    let path = ConnectionRecord.bytes(value.path)
    var totals = RequestTotals()
    totals.setCounts(
      value.requests, finished: ConnectionRecord.counts(value.finished),
      answered: ConnectionRecord.counts(value.answered), endsMissed: value.ends_missed, unpaired: value.unpaired)
    totals.durations = LatencyHistogram(
      value.times, sumNanoseconds: value.duration_ns, maximumNanoseconds: value.duration_max_ns)
    totals.firstByteNanoseconds = value.first_byte_ns
    totals.requestBytes = value.request_bytes
    totals.responseBytes = value.response_bytes
    self.init(
      process: ProcessID(rawValue: Int32(bitPattern: key.tgid)), processName: ConnectionRecord.text(value.comm),
      role: key.is_server != 0 ? .server : .client, isTLS: key.is_tls != 0, method: Self.method(key.method),
      path: key.path_hash == 0
        ? Self.otherPaths
        : String(decoding: path.prefix(min(path.count, Int(value.path_size))), as: UTF8.self),
      totals: totals)
  }
}

extension LatencyHistogram {
  /// - Parameter buckets: a C array of `__u32`, which Swift imports as a tuple.
  init<Value: BitwiseCopyable>(_ buckets: Value, sumNanoseconds: UInt64, maximumNanoseconds: UInt64) {
    let counts = unsafe withUnsafeBytes(of: buckets) { bytes in
      unsafe bytes.bindMemory(to: UInt32.self).map { UInt64($0) }
    }
    self.init(buckets: counts, sumNanoseconds: sumNanoseconds, maximumNanoseconds: maximumNanoseconds)
  }
}
