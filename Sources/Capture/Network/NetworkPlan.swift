import BPF
import CProbes
import Glibc
import LinuxSystem
import ProfileModel

/// How the programs of a capture are loaded.
struct NetworkPlan {
  let request: ResolvedTask
  let purpose: NetworkProbes.Purpose
  let scope: CaptureScope
  let source: NetworkSource
  /// Whether programs can go over a table (since Linux 5.13), as `end_survivors` does.
  let canEndSurvivors: Bool

  private static let iterators = ["mark_targets", "find_owners", "find_connections", "find_survivors", "end_survivors"]
  private static let lifecycle = ["process_fork", "process_exec", "process_exit", "process_rename"]
  private static let sockets = ["change_state", "destroy_socket", "receive_reset", "send_reset", "drop_packet"]
  private static let calls = ["send_length", "receive_length", "enter_call", "leave_call"]
  private static let all =
    iterators + lifecycle + sockets + calls + LoadedNetwork.Extra.allCases.flatMap(\.programs)

  /// The programs that are attached when a capture begins, in that order.
  var programs: [String] {
    var programs =
      scope.kernelScope == SWPROF_SCOPE_TARGETS ? Self.lifecycle : purpose.isMonitor ? [] : ["process_exec"]
    if scope.name == nil { programs.removeAll { $0 == "process_rename" } }
    programs += Self.sockets
    if source.kind == .sockets { programs += [readsSendingOnly ? "begin_send" : "send_length", "receive_length"] }
    if purpose.parameters.callTimes { programs.append("enter_call") }
    if source.kind == .systemCalls || purpose.parameters.callTimes { programs.append("leave_call") }
    return programs
  }

  /// Whether what is sent is looked at as sending begins, which costs least, and nowhere else, as long as no target
  /// answers requests over unix sockets: a monitor counts no bytes.
  private var readsSendingOnly: Bool { purpose.isMonitor && source.sent == .sockets }

  /// Whether there may be new targets during the capture.
  var expectsPrograms: Bool {
    !purpose.isMonitor
      && (request.includesChildren || scope.name != nil || scope.kernelScope != SWPROF_SCOPE_TARGETS)
  }

  /// The programs besides that can be loaded here.
  var extras: [LoadedNetwork.Extra] {
    LoadedNetwork.Extra.allCases.filter {
      switch $0 {
      case .lengths: readsSendingOnly
      case .sending: source.sent == .sockets && !readsSendingOnly
      case .packets: source.received == .sockets
      case .libraries: true
      }
    }
  }

  func load(with extras: [LoadedNetwork.Extra]) throws -> BPFObject {
    let iterators = Self.iterators.filter { $0 != "end_survivors" || canEndSurvivors }
    let object = try open(programs + iterators + extras.flatMap(\.programs))
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
    try object.setConstants(section: ".rodata.network", configuration())
    try object.setCapacity(ofMap: "network_records", request.ringBufferBytes)
    let near: UInt32 = purpose.nearBits == 0 ? 0 : 1 << UInt32(purpose.nearBits)
    try object.setCapacity(ofMap: "near_connections", max(near, 1))
    try object.setCapacity(ofMap: "connections", purpose.tableCapacity - near)
    for (map, count) in request.capacities { try object.setCapacity(ofMap: map, count) }
    let wanted = Set(programs)
    for program in Self.all where !wanted.contains(program) { try object.leaveOut(program) }
    return object
  }

  private func configuration() -> [UInt8] {
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
    config.tick_ns = Clock.tickNanoseconds
    return unsafe withUnsafeBytes(of: config) { unsafe Array($0) }
  }
}
