import BPF
import CProbes
import Glibc
import LinuxSystem
import ProfileModel

/// Which of the network programs are used on this kernel: found out by loading them.
enum NetworkProbes {
  /// What the programs are loaded for.
  struct Purpose {
    var parameters: NetworkParameters
    /// How many connections the kernel keeps at most.
    var tableCapacity: UInt32
    /// Whether requests that processes answer are counted, and nothing is sent.
    var isMonitor = false

    /// Of how many of them the kernel has a place that it finds without a call, as a power of two; 0: of none.
    var nearBits: UInt8 { tableCapacity >= 4096 ? 10 : 0 }
  }

  /// What is tried, the best first.
  private static func candidates(_ request: CaptureRequest, callTimes: Bool) -> [NetworkSource] {
    let missing = request.missingFeatures
    let types = KernelTypes()
    let hasSockets =
      !missing.contains(.socketTracepoints) && types.hasTracepoint("sock_send_length")
      && types.hasTracepoint("sock_recv_length")
    let hasPackets =
      !missing.contains(.packetContent) && types.hasTracepoint("skb_copy_datagram_iovec")
      && types.hasFunction("bpf_dynptr_from_skb")
    let hasSending = !missing.contains(.sendContent) && types.hasTracepoint("tcp_sendmsg_locked")
    func source(_ kind: NetworkSource.Kind, _ received: NetworkSource.Kind, _ sent: NetworkSource.Kind) -> NetworkSource
    {
      NetworkSource(kind: kind, received: received, sent: sent, hasCallTimes: callTimes)
    }
    var sources: [NetworkSource] = []
    if hasSockets, hasPackets, hasSending { sources.append(source(.sockets, .sockets, .sockets)) }
    if hasSockets, hasPackets { sources.append(source(.sockets, .sockets, .systemCalls)) }
    if hasSockets { sources.append(source(.sockets, .systemCalls, .systemCalls)) }
    return sources + [source(.systemCalls, .systemCalls, .systemCalls)]
  }

  /// Loads the programs that there are probes for.
  static func load(_ request: CaptureRequest, _ purpose: Purpose, _ scope: CaptureScope) throws -> LoadedNetwork {
    for source in candidates(request, callTimes: purpose.parameters.callTimes) {
      let plan = Plan(request: request, purpose: purpose, scope: scope, source: source)
      // A kernel that has the tracepoints may still refuse a program; the last one has to do.
      do { return try LoadedNetwork(plan) } catch  where source.kind != .systemCalls {}
    }
    preconditionFailure("system calls are the last candidate")
  }

  fileprivate static func configuration(_ purpose: Purpose, _ source: NetworkSource) -> [UInt8] {
    let parameters = purpose.parameters
    var config = swprof_network_config()
    config.slow_ns = parameters.reasons.contains(.slow) ? parameters.slowerThanNanoseconds : .max
    config.`self` = UInt32(getpid())
    config.source = UInt8((source.kind == .sockets ? SWPROF_SOURCE_SOCKETS : SWPROF_SOURCE_CALLS).rawValue)
    config.call_times = parameters.callTimes ? 1 : 0
    config.reads_tls = 1
    config.keeps_samples = parameters.reasons.isEmpty ? 0 : 1
    config.server_only = purpose.isMonitor ? 1 : 0
    config.near_bits = purpose.nearBits
    config.payload_bytes = UInt32(min(parameters.bodyBytes, Int(SWPROF_PAYLOAD_MAX)))
    return unsafe withUnsafeBytes(of: config) { unsafe Array($0) }
  }

}

/// How the programs of a capture are loaded.
private struct Plan {
  let request: CaptureRequest
  let purpose: NetworkProbes.Purpose
  let scope: CaptureScope
  let source: NetworkSource

  private static let iterators = ["mark_targets", "find_owners", "find_connections", "find_survivors"]
  private static let lifecycle = ["process_fork", "process_exec", "process_exit"]
  private static let sockets = ["change_state", "destroy_socket", "receive_reset", "send_reset", "drop_packet"]
  private static let calls = ["send_length", "receive_length", "enter_call", "leave_call"]
  private static let all =
    iterators + lifecycle + sockets + calls + LoadedNetwork.Extra.allCases.flatMap(\.programs)

  /// The programs that are attached when a capture begins, in that order.
  var programs: [String] {
    var programs = scope.kernelScope == SWPROF_SCOPE_TARGETS ? Self.lifecycle : []
    programs += Self.sockets
    if source.kind == .sockets { programs += ["send_length", "receive_length"] }
    if purpose.parameters.callTimes { programs.append("enter_call") }
    if source.kind == .systemCalls || purpose.parameters.callTimes { programs.append("leave_call") }
    return programs
  }

  /// The programs besides that can be loaded here.
  var extras: [LoadedNetwork.Extra] {
    LoadedNetwork.Extra.allCases.filter {
      switch $0 {
      case .sending: source.sent == .sockets
      case .packets: source.received == .sockets
      case .libraries: true
      }
    }
  }

  func load(with extras: [LoadedNetwork.Extra]) throws -> BPFObject {
    let object = try open(programs + Self.iterators + extras.flatMap(\.programs))
    try object.load()
    if let cgroup = scope.cgroup { try object.map(named: "cgroups").update(key: UInt32(0), value: cgroup.descriptor) }
    return object
  }

  func load(_ extras: [LoadedNetwork.Extra], sharing others: borrowing BPFObject) throws -> BPFObject {
    let object = try open(extras.flatMap(\.programs))
    try object.shareMaps(of: others)
    try object.load()
    return object
  }

  private func open(_ programs: [String]) throws -> BPFObject {
    let object = try ProgramImage.network.open()
    try object.setConstants(
      section: ".rodata.config", try scope.configuration(for: request, unwind: SWPROF_UNWIND_FRAME_POINTERS))
    try object.setConstants(section: ".rodata.network", NetworkProbes.configuration(purpose, source))
    try object.setCapacity(ofMap: "network_records", request.ringBufferBytes)
    let near: UInt32 = purpose.nearBits == 0 ? 0 : 1 << UInt32(purpose.nearBits)
    try object.setCapacity(ofMap: "near_connections", max(near, 1))
    try object.setCapacity(ofMap: "connections", purpose.tableCapacity - near)
    let wanted = Set(programs)
    for program in Self.all where !wanted.contains(program) { try object.leaveOut(program) }
    return object
  }
}

/// The loaded programs of network profiling: those that every capture has, and others once a target needs them.
struct LoadedNetwork: ~Copyable {
  /// Programs that few targets need. Loading them takes the kernel a tenth of a second, and each that is attached costs
  /// every process on the host.
  enum Extra: CaseIterable {
    /// What is sent is read as sending begins.
    case sending
    /// What is received is read from its packets.
    case packets
    /// What TLS libraries read and write.
    case libraries

    fileprivate var programs: [String] {
      switch self {
      case .sending: ["begin_send"]
      case .packets: ["copy_packet"]
      case .libraries: TLSLibraries.programs
      }
    }

    /// How programs ask for it: SWPROF_NEED_*; 0 where they do not.
    fileprivate var need: UInt32 {
      switch self {
      case .sending: UInt32(SWPROF_NEED_SENDING)
      case .packets: UInt32(SWPROF_NEED_PACKETS)
      case .libraries: 0
      }
    }
  }

  /// Extra programs that were loaded later.
  private final class Addition {
    let extras: [Extra]
    var object: BPFObject

    init(_ extras: [Extra], _ object: consuming BPFObject) {
      self.extras = extras
      self.object = object
    }
  }

  var object: BPFObject
  private let plan: Plan
  /// The extra programs that were loaded with the others.
  private let included: [Extra]
  private var additions: [Addition] = []
  /// What is neither loaded yet nor has failed to.
  private var absent: [Extra]
  /// What could not be loaded, and why.
  private(set) var warnings: [String] = []

  var source: NetworkSource { plan.source }

  fileprivate init(_ plan: Plan) throws {
    self.plan = plan
    // A command may do anything, and from its first instruction on.
    included = plan.request.awaitedCommand == nil ? [] : plan.extras
    absent = plan.request.awaitedCommand == nil ? plan.extras : []
    object = try plan.load(with: included)
  }

  /// Attaches what the capture begins with.
  mutating func attach() throws {
    for program in plan.programs { try object.attach(program) }
    for program in Self.unasked(included) { try object.attach(program) }
  }

  /// The programs that are attached as soon as they are loaded.
  private static func unasked(_ extras: [Extra]) -> [String] { extras.filter { $0.need != 0 }.flatMap(\.programs) }

  /// Attaches what targets have turned out to need since. Where that fails, what cannot be read is counted.
  mutating func attachNeeded() throws {
    guard absent.contains(where: { $0.need != 0 }),
      let needs = try object.map(named: "needs").value(forKey: UInt32(0), initial: UInt32(0))
    else { return }
    add(absent.filter { $0.need & needs != 0 })
  }

  /// Attaches a program to a function of a library.
  mutating func attach(_ program: String, to place: UserProbe) throws(BPFError) {
    if included.contains(where: { $0.programs.contains(program) }) {
      try object.attach(program, to: place)
      return
    }
    add(absent.filter { $0.programs.contains(program) })
    for addition in additions where addition.extras.contains(where: { $0.programs.contains(program) }) {
      try addition.object.attach(program, to: place)
    }
  }

  mutating func detach() {
    object.detach()
    for addition in additions { addition.object.detach() }
  }

  private mutating func add(_ extras: [Extra]) {
    guard !extras.isEmpty else { return }
    absent.removeAll(where: extras.contains)
    do {
      let addition = Addition(extras, try plan.load(extras, sharing: object))
      additions.append(addition)
      for program in Self.unasked(extras) { try addition.object.attach(program) }
    } catch {
      warnings.append("\(Self.description(of: extras)) cannot be read: \(error)")
    }
  }

  private static func description(of extras: [Extra]) -> String {
    extras.map {
      switch $0 {
      case .sending: "what io_uring sends"
      case .packets: "what io_uring receives"
      case .libraries: "what is encrypted"
      }
    }.joined(separator: ", and ")
  }
}
