import BPF
import CProbes
import Glibc
import LinuxSystem
package import ProfileModel

/// Network profiling of a set of processes: their connections, and the HTTP requests on them.
package final class NetworkCapture: CaptureLifecycle {
  private var loaded: LoadedNetwork
  /// Once it is armed.
  private var ring: RingBuffer?
  private var request: ResolvedTask
  private var scope: CaptureScope
  private var builder = NetworkProfileBuilder()
  private var samples: SampleKeeper
  private var libraries: TLSLibraries
  /// The probes in use. They decide which data cannot be read.
  package var source: NetworkSource { loaded.source }
  package var warnings: [String] { scope.warnings }
  /// When everything was attached: calls are counted from then on.
  private var armedAt = MonotonicTime(nanoseconds: 0)
  package private(set) var firstRecordAt: MonotonicTime?
  private var malformed: UInt64 = 0
  private var anchor: (monotonic: UInt64, wall: Int64) = (0, 0)
  /// When the capture began, in clock ticks since boot.
  private var armedTicks: UInt64 = 0

  /// Options of network captures alone.
  package struct Options {
    package var parameters: NetworkOptions
    /// Whether requests for a path are listed and kept.
    package var isListed: (String) -> Bool
    /// Turns a path into the one to list.
    package var shownPath: (String) -> String
    /// Turns the path of a kept request into the one to show, with secrets blanked.
    package var sampledPath: (String) -> String
    /// Turns the beginning of a message into the one to show, with secrets blanked.
    package var shownMessage: ([UInt8]) -> String
    /// The protocol of a connection, by its first bytes.
    package var speaks: (ConnectionBeginning) -> NetworkProtocol
    /// The number of connections that the kernel keeps.
    package var tableCapacity: UInt32

    package init(
      parameters: NetworkOptions, isListed: @escaping (String) -> Bool, shownPath: @escaping (String) -> String,
      sampledPath: @escaping (String) -> String, shownMessage: @escaping ([UInt8]) -> String,
      speaks: @escaping (ConnectionBeginning) -> NetworkProtocol,
      tableCapacity: UInt32
    ) {
      self.parameters = parameters
      self.isListed = isListed
      self.shownPath = shownPath
      self.sampledPath = sampledPath
      self.shownMessage = shownMessage
      self.speaks = speaks
      self.tableCapacity = tableCapacity
    }
  }

  private let options: Options

  /// Loads the programs.
  package init(_ request: ResolvedTask, _ options: Options) throws(CaptureError) {
    try Privileges.check()
    try ProbeTargets.check(request.target)
    let scope = try CaptureScope(request.target)
    loaded = try CaptureError.translating {
      let purpose = NetworkProbes.Purpose(parameters: options.parameters, tableCapacity: options.tableCapacity)
      return try NetworkProbes.load(request, purpose, scope)
    }
    self.request = request
    self.scope = scope
    self.options = options
    samples = SampleKeeper(options.parameters)
    libraries = TLSLibraries(isEveryoneTarget: scope.kernelScope == SWPROF_SCOPE_ALL)
  }

  package func aim(at processes: [ProcessID]) throws(CaptureError) {
    request.target = .processes(processes)
    try ProbeTargets.check(request.target)
    scope = try CaptureScope(request.target)
  }

  package func arm() throws(CaptureError) -> CaptureStart {
    armedAt = try CaptureError.translating {
      ring = try RingBuffer(loaded.object.map(named: NetworkMap.networkRecords))
      let start = try loaded.attach()
      // Forks are seen from here on: no child is missed between the looks at /proc.
      _ = try scope.fill(try loaded.object.map(named: NetworkMap.targets), for: request)
      // Who has what is found out behind the attaching: what begins meanwhile is seen by the probes.
      _ = try loaded.object.iterate(NetworkProgram.markTargets)
      _ = try loaded.object.iterate(NetworkProgram.findOwners)
      _ = try loaded.object.iterate(NetworkProgram.findConnections)
      try loaded.attachNeeded()
      return start
    }
    anchor = (Clock.monotonic.nanoseconds, Clock.wall.nanoseconds)
    let sinceArmed = Clock.monotonic.nanoseconds(since: armedAt)
    armedTicks = (Clock.boot.nanoseconds &- sinceArmed) / Host.nanosecondsPerTick
    if let command = request.awaitedCommand, case .processes(let processes) = request.target,
      let process = processes.first
    {
      libraries.attach(to: &loaded, for: command, in: process, includesChildren: request.includesChildren)
    } else {
      findLibraries()
      if loaded.expectsPrograms { libraries.prepare(&loaded) }
    }
    return CaptureStart(armedAt: armedAt, event: event, unwind: "none")
  }

  package var descriptors: [Int32] {
    guard let descriptor = ring?.descriptor else { return [] }
    return [descriptor]
  }
  package var tableCost: (nanoseconds: UInt64, bytes: Int) { (0, 0) }
  package var hasPending: Bool { false }
  private var event: String {
    switch (source.kind, source.received, source.sent) {
    case (.sockets, .sockets, .sockets): "socket tracepoints"
    case (.systemCalls, _, _): "system calls"
    default: "socket tracepoints, content by system calls"
    }
  }

  package func followRunningProcesses() {}

  package var progress: String { "\(builder.connectionCount) connections ended" }

  package var hasNoTargetLeft: Bool {
    scope.kernelScope == SWPROF_SCOPE_TARGETS && scope.name == nil
      && ((try? loaded.object.isEmpty(map: NetworkMap.targets)) ?? false)
  }

  package func drain() throws(CaptureError) {
    let records = try CaptureError.translating {
      try loaded.attachNeeded()
      return try ring?.drain() ?? []
    }
    if !records.isEmpty, firstRecordAt == nil { firstRecordAt = Clock.monotonic }
    for record in records { take(record) }
    if builder.isFull { builder.fold(surroundings()) }
    findLibraries()
    libraries.judgeBystanders {
      try? loaded.object.sum(map: NetworkMap.networkCounters, index: SWPROF_NETWORK_TLS_BYSTANDERS.rawValue)
    }
  }

  private func take(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { bytes in
      guard bytes.count >= 4 else {
        malformed += 1
        return
      }
      switch swprof_network_record(rawValue: unsafe bytes.loadUnaligned(as: UInt32.self)) {
      case SWPROF_RECORD_CONNECTION:
        if let record = unsafe try? ConnectionRecord(decoding: bytes) { builder.add(record) } else { malformed += 1 }
      case SWPROF_RECORD_SAMPLE:
        if unsafe !samples.add(sample: bytes) { malformed += 1 }
      case SWPROF_RECORD_PAYLOAD:
        if unsafe !samples.add(payload: bytes) { malformed += 1 }
      case SWPROF_RECORD_NEED:
        break
      case SWPROF_RECORD_EXEC:
        if bytes.count >= MemoryLayout<swprof_exec>.size {
          let record = unsafe bytes.loadUnaligned(as: swprof_exec.self)
          libraries.noteExec(of: ProcessID(rawValue: Int32(bitPattern: record.tgid)), &loaded)
        } else {
          malformed += 1
        }
      default:
        malformed += 1
      }
    }
  }

  /// The processes that are targets now.
  private func currentTargets() -> [ProcessID] {
    switch scope.kernelScope {
    case SWPROF_SCOPE_TARGETS:
      return (try? loaded.object.map(named: NetworkMap.targets).entries(startingWith: UInt32(0), UInt8(0)))?
        .map { ProcessID(rawValue: Int32(bitPattern: $0.0)) } ?? []
    case SWPROF_SCOPE_CGROUP:
      guard case .cgroup(let path) = request.target else { return [] }
      return (try? ProcessTable.members(ofCgroup: path)) ?? []
    default:
      return (try? ProcessTable.processes()) ?? []
    }
  }

  /// Watches the TLS libraries that targets have mapped by now.
  private func findLibraries() {
    guard libraries.isDue(isWide: scope.kernelScope != SWPROF_SCOPE_TARGETS) else { return }
    let targets = currentTargets()
    libraries.attach(to: &loaded, in: targets)
  }

  /// Detaches the probes, which is slow. They do nothing once the capture is finished.
  package func detach() {
    libraries.release(to: &loaded)
    loaded.detach()
  }

  package func finish() throws(CaptureError) -> CaptureOutcome {
    do { return .network(try finished()) } catch let error as CaptureError { throw error } catch let error as BPFError {
      throw CaptureError(error)
    } catch { throw .missingFeature("connections cannot be read as the capture ends: \(error)") }
  }

  private func finished() throws -> NetworkRecording {
    let endedAt = try loaded.enter(SWPROF_NETWORK_ENDING)
    _ = try loaded.object.iterate(NetworkProgram.markTargets)
    try loaded.enter(SWPROF_NETWORK_OVER)
    try loaded.findSurvivors()
    _ = try loaded.object.iterate(NetworkProgram.findOwners)
    for record in try ring?.drain() ?? [] { take(record) }
    try takeLiving()
    let totals = try NetworkCounters.read(loaded.object)
    let endpoints = try EndpointTable(loaded.object).entries()
    let surroundings = surroundings()
    let recordLost = totals[SWPROF_NETWORK_RECORD_LOST, default: 0]
    var account = SampleAccount(
      ticks: totals[SWPROF_NETWORK_CONNECTIONS, default: 0], taken: builder.connectionCount)
    account.losses[.ringBufferFull] = recordLost > 0 ? recordLost : nil
    let kept = samples.samples(surroundings, options)
    var profile = builder.profile(
      source: source, endpoints: endpoints, samples: kept, times: try peerTimes(), surroundings: surroundings
    ).groupingPassingClients(passingTest)
    profile.drops = try drops()
    let ownLosses: [NetworkLoss: UInt64] = [
      .recordMalformed: malformed, .tlsUnread: builder.unreadCount, .connectionUnlisted: builder.unlistedCount,
      .sampleGroupFull: samples.groupsFull, .payloadMissing: samples.messagesMissing,
    ]
    profile.losses = try NetworkCounters.losses(loaded.object, totals)
      .merging(ownLosses.filter { $0.value > 0 }) { $0 + $1 }
    return NetworkRecording(
      profile: profile, account: account,
      warnings: warnings + loaded.warnings + libraries.warnings + builder.unreadSentences,
      startedAt: surroundings.wallTime(armedAt.nanoseconds), endedAt: surroundings.wallTime(endedAt.nanoseconds))
  }

  /// Whether a process has ended or begun during the capture. Processes that the user listed never count as such.
  private var passingTest: (ProcessID) -> Bool {
    let armedTicks = armedTicks
    var named: [ProcessID] = []
    if case .processes(let processes) = request.target { named = processes }
    return { process in
      !named.contains(process) && (ProcessTable.startTicks(of: process).map { $0 > armedTicks } ?? true)
    }
  }

  private func takeLiving() throws {
    var living: [ConnectionRecord] = []
    try loaded.object.map(named: NetworkMap.nearConnections).forEachValue(of: swprof_connection.self) {
      if $1.socket != 0 { living.append(ConnectionRecord($1)) }
    }
    let connections = try loaded.object.map(named: NetworkMap.connections)
    try connections.forEach(startingWith: UInt64(0), swprof_connection(), valueSize: connections.valueSize) {
      living.append(ConnectionRecord($1))
    }
    for record in living { builder.add(record) }
  }

  // MARK: - Tables

  private func peerTimes() throws -> [NetworkProfileBuilder.PeerKey: LatencyHistogram] {
    var times: [NetworkProfileBuilder.PeerKey: LatencyHistogram] = [:]
    func add(_ counts: swprof_times, _ process: UInt32, _ kind: NetworkProfileBuilder.PeerKey.Kind, _ peer: UInt64) {
      times[.init(process: process, kind: kind, peer: peer), default: LatencyHistogram()]
        .add(LatencyHistogram(counts.counts, sumNanoseconds: 0, maximumNanoseconds: 0))
    }
    func add(_ key: swprof_peer_key, _ counts: swprof_times) {
      add(counts, key.tgid, key.is_server != 0 ? .received : .made, key.peer)
    }
    // One peer may have times in both maps: their sum counts.
    try loaded.object.map(named: NetworkMap.nearPeers).forEachValue(of: swprof_near_peer.self) {
      if $1.key.tgid != 0 { add($1.key, $1.times) }
    }
    for (key, value) in try loaded.object.map(named: NetworkMap.peerTimes).entries(
      startingWith: swprof_peer_key(), swprof_times())
    {
      add(key, value)
    }
    for (key, value) in try loaded.object.map(named: NetworkMap.callTimes).entries(
      startingWith: swprof_call_key(), swprof_times())
    {
      add(value, key.tgid, key.direction == SWPROF_SENT ? .sendCalls : .receiveCalls, key.peer)
    }
    return times
  }

  private func drops() throws -> [String: UInt64] {
    let entries = try loaded.object.map(named: NetworkMap.drops).entries(startingWith: UInt32(0), UInt64(0))
    guard !entries.isEmpty else { return [:] }
    let names = KernelTypes().names(ofEnumeration: "skb_drop_reason")
    var drops: [String: UInt64] = [:]
    for (reason, count) in entries {
      let name = names[reason].map { $0.hasPrefix("SKB_DROP_REASON_") ? String($0.dropFirst(16)) : $0 }
      drops[name ?? "reason \(reason)", default: 0] += count
    }
    return drops
  }

  // MARK: - Around the targets

  private func surroundings() -> NetworkProfileBuilder.Surroundings {
    let owners = try? loaded.object.map(named: NetworkMap.owners)
    let unbound = try? loaded.object.map(named: NetworkMap.tlsUnbound)
    let findings = libraries.findings
    let targets = Set(currentTargets())
    let isAll = scope.kernelScope != SWPROF_SCOPE_TARGETS
    let hosts = HostNames.ofThisHost()
    let anchor = anchor
    return NetworkProfileBuilder.Surroundings(
      owner: { flow in
        guard let owners else { return nil }
        func owner(_ flow: ConnectionFlow) -> swprof_owner? {
          owners.value(forKey: swprof_flow(flow), initial: swprof_owner())
        }
        guard let found = owner(flow) ?? flow.inAnyNamespace.flatMap(owner), found.tgid != 0, found.is_ambiguous == 0
        else { return nil }
        return (ProcessID(rawValue: Int32(bitPattern: found.tgid)), ConnectionRecord.text(found.comm))
      },
      isTarget: { isAll || targets.contains($0) },
      name: { try? ProcessTable.name(of: $0) },
      cgroup: { try? ControlGroup.path(of: $0) },
      hostName: { hosts[$0] },
      ownNamespace: Host.networkNamespace,
      isListed: options.isListed,
      shownPath: options.shownPath,
      speaks: { [speaks = options.speaks] in
        let found = speaks(ConnectionBeginning($0))
        // Encrypted data may be of an unknown protocol.
        return $0.isTLS && found == .unknown ? .tls : found
      },
      unreadReason: {
        let calls = unbound?.value(forKey: $0.raw.tgid, initial: UInt64(0)) ?? 0
        return findings?.reason($0.process, beginning: $0.raw.first_ns, isUnbound: calls > 0) ?? ""
      },
      wallTime: { WallTime(nanoseconds: anchor.wall - Int64(bitPattern: anchor.monotonic &- $0)) })
  }
}

/// The result of a network capture.
package struct NetworkRecording: Sendable {
  package var profile: NetworkProfile
  package var account: SampleAccount
  package var warnings: [String]
  /// The time in which calls were counted.
  package var startedAt: WallTime
  package var endedAt: WallTime
}

/// The facts that the protocol of a connection is recognized by.
package struct ConnectionBeginning: Equatable, Sendable {
  /// The first bytes of each direction, at most 32.
  package var received: [UInt8]
  package var sent: [UInt8]
  /// The bytes of the calls that `received` and `sent` come from.
  package var receivedLength: Int
  package var sentLength: Int
  package var transport: NetworkTransport
  package var localPort: UInt16
  package var remotePort: UInt16
  package var isServer: Bool
  /// Whether it had begun before the capture. The bytes are then not its first ones.
  package var isMidway: Bool

  init(_ record: ConnectionRecord) {
    received = record.prefix(SWPROF_RECEIVED)
    sent = record.prefix(SWPROF_SENT)
    receivedLength = Int(record.raw.prefix_bytes.0)
    sentLength = Int(record.raw.prefix_bytes.1)
    transport = record.transport
    localPort = record.raw.local_port
    remotePort = record.raw.remote_port
    isServer = record.role == .server
    isMidway = record.isSeeded
  }
}

extension swprof_flow {
  init(_ flow: ConnectionFlow) {
    self.init()
    unsafe withUnsafeMutableBytes(of: &self.local) { unsafe $0.copyBytes(from: flow.local.address) }
    unsafe withUnsafeMutableBytes(of: &self.remote) { unsafe $0.copyBytes(from: flow.remote.address) }
    local_port = flow.local.port
    remote_port = flow.remote.port
    netns = flow.namespace ?? 0
    type = UInt32(flow.type)
  }
}
