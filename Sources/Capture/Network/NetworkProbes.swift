import BPF
import ProfileModel

/// Which of the network programs are used on this kernel: found out by loading them.
enum NetworkProbes {
  /// What the programs are loaded for.
  struct Purpose {
    var parameters: NetworkOptions
    /// How many connections the kernel keeps at most.
    var tableCapacity: UInt32
    /// Whether requests that processes answer are counted, and nothing is sent.
    var isMonitor = false

    /// Of how many of them the kernel has a place that it finds without a call, as a power of two; 0: of none.
    var nearBits: UInt8 { tableCapacity >= 4096 ? 10 : 0 }
  }

  /// What is tried, the best first.
  private static func candidates(
    _ request: ResolvedTask, callTimes: Bool, _ types: borrowing KernelTypes
  ) -> [NetworkSource] {
    let missing = request.missingFeatures
    let hasSockets =
      !missing.contains(.socketTracepoints) && types.hasTracepoint("sock_send_length")
      && types.hasTracepoint("sock_recv_length")
    let hasPackets =
      !missing.contains(.packetContent) && types.hasTracepoint("skb_copy_datagram_iovec")
      && types.hasFunction("bpf_dynptr_from_skb")
    let hasSending = !missing.contains(.sendContent) && types.hasTracepoint("tcp_sendmsg_locked")
    func source(_ kind: NetworkSource.Kind, _ received: NetworkSource.Kind, _ sent: NetworkSource.Kind) -> NetworkSource
    {
      NetworkSource(kind: kind, received: received, sent: sent, hasCallTimes: callTimes, hasArrivalTimes: true)
    }
    var sources: [NetworkSource] = []
    if hasSockets, hasPackets, hasSending { sources.append(source(.sockets, .sockets, .sockets)) }
    if hasSockets, hasPackets { sources.append(source(.sockets, .sockets, .systemCalls)) }
    if hasSockets { sources.append(source(.sockets, .systemCalls, .systemCalls)) }
    return sources + [source(.systemCalls, .systemCalls, .systemCalls)]
  }

  /// Loads the programs that there are probes for.
  static func load(_ request: ResolvedTask, _ purpose: Purpose, _ scope: CaptureScope) throws -> LoadedNetwork {
    let types = KernelTypes()
    let canEndSurvivors = types.hasFunction("bpf_for_each_map_elem")
    for source in candidates(request, callTimes: purpose.parameters.callTimes, types) {
      let plan = NetworkPlan(
        request: request, purpose: purpose, scope: scope, source: source, canEndSurvivors: canEndSurvivors)
      // A kernel that has the tracepoints may still refuse a program; the last one has to do.
      do { return try LoadedNetwork(plan) } catch  where source.kind != .systemCalls {}
    }
    preconditionFailure("system calls are the last candidate")
  }
}
