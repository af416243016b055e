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
  ///
  /// - Parameter source: what was taken.
  static func load(
    _ request: CaptureRequest, _ purpose: Purpose, _ scope: CaptureScope,
    source: inout NetworkSource
  ) throws -> BPFObject {
    for candidate in candidates(request, callTimes: purpose.parameters.callTimes) {
      source = candidate
      // A kernel that has the tracepoints may still refuse a program; the last one has to do.
      do { return try load(request, purpose, scope, candidate) } catch  where candidate.kind != .systemCalls {}
    }
    preconditionFailure("system calls are the last candidate")
  }

  private static func load(
    _ request: CaptureRequest, _ purpose: Purpose, _ scope: CaptureScope, _ source: NetworkSource
  ) throws -> BPFObject {
    let image = ProgramImage.network
    let object = try image.open()
    try object.setConstants(
      section: ".rodata.config", try scope.configuration(for: request, unwind: SWPROF_UNWIND_FRAME_POINTERS))
    try object.setConstants(section: ".rodata.network", configuration(purpose, source))
    try object.setCapacity(ofMap: "network_records", request.ringBufferBytes)
    let near: UInt32 = purpose.nearBits == 0 ? 0 : 1 << UInt32(purpose.nearBits)
    try object.setCapacity(ofMap: "near_connections", max(near, 1))
    try object.setCapacity(ofMap: "connections", purpose.tableCapacity - near)
    let wanted = Set(programs(source, scope, purpose) + iterators + tlsPrograms)
    for program in all where !wanted.contains(program) { try object.leaveOut(program) }
    try object.load()
    if let cgroup = scope.cgroup { try object.map(named: "cgroups").update(key: UInt32(0), value: cgroup.descriptor) }
    return object
  }

  private static func configuration(_ purpose: Purpose, _ source: NetworkSource) -> [UInt8] {
    let parameters = purpose.parameters
    func number(_ kind: NetworkSource.Kind) -> UInt8 {
      UInt8((kind == .sockets ? SWPROF_SOURCE_SOCKETS : SWPROF_SOURCE_CALLS).rawValue)
    }
    var config = swprof_network_config()
    config.slow_ns = parameters.reasons.contains(.slow) ? parameters.slowerThanNanoseconds : .max
    config.`self` = UInt32(getpid())
    config.lengths = number(source.kind)
    config.received = number(source.received)
    config.sent = number(source.sent)
    config.call_times = parameters.callTimes ? 1 : 0
    config.reads_tls = 1
    config.keeps_samples = parameters.reasons.isEmpty ? 0 : 1
    config.server_only = purpose.isMonitor ? 1 : 0
    config.near_bits = purpose.nearBits
    config.payload_bytes = UInt32(min(parameters.bodyBytes, Int(SWPROF_PAYLOAD_MAX)))
    return unsafe withUnsafeBytes(of: config) { unsafe Array($0) }
  }

  private static let iterators = ["mark_targets", "find_owners", "find_connections", "find_survivors"]
  private static let tlsPrograms = ["enter_tls_read", "enter_tls_read_ex", "leave_tls_read", "leave_tls_write"]
  private static let lifecycle = ["process_fork", "process_exec", "process_exit"]
  private static let sockets = ["change_state", "destroy_socket", "receive_reset", "send_reset", "drop_packet"]
  private static let all =
    iterators + tlsPrograms + lifecycle + sockets
    + ["send_length", "receive_length", "begin_send", "copy_packet", "enter_call", "leave_call"]

  /// The programs that are attached when a capture begins, in that order.
  static func programs(_ source: NetworkSource, _ scope: CaptureScope, _ purpose: Purpose) -> [String] {
    var programs = scope.kernelScope == SWPROF_SCOPE_TARGETS ? lifecycle : []
    programs += sockets
    // A monitor counts neither calls nor bytes.
    if source.kind == .sockets, !purpose.isMonitor { programs += ["send_length", "receive_length"] }
    if source.received == .sockets { programs.append("copy_packet") }
    if source.sent == .sockets { programs.append("begin_send") }
    if purpose.parameters.callTimes { programs.append("enter_call") }
    let readsCalls = [source.kind, source.received, source.sent].contains(.systemCalls)
    if readsCalls || purpose.parameters.callTimes { programs.append("leave_call") }
    return programs
  }
}
