import BPF
import ProfileModel

/// Chooses the network programs for this kernel by loading them.
enum NetworkProbes {
  /// The purpose that the programs are loaded for.
  struct Purpose {
    var parameters: NetworkOptions
    /// The number of connections that the kernel keeps at most.
    var tableCapacity: UInt32
    /// Whether to count the requests that processes answer, and nothing else.
    var isMonitor = false

    /// The size of the cache of connections, as a power of two; 0: no cache.
    var nearBits: UInt8 { tableCapacity >= 4096 ? 10 : 0 }
  }

  /// The sources to try, the best one first.
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

  /// Loads the programs of the best source that the kernel accepts.
  static func load(_ request: ResolvedTask, _ purpose: Purpose, _ scope: CaptureScope) throws -> LoadedNetwork {
    let types = KernelTypes()
    let canEndSurvivors = types.hasFunction("bpf_for_each_map_elem")
    for source in candidates(request, callTimes: purpose.parameters.callTimes, types) {
      let plan = NetworkPlan(
        request: request, purpose: purpose, scope: scope, source: source, canEndSurvivors: canEndSurvivors)
      // A kernel that has the tracepoints may still refuse a program. The last candidate must load.
      do { return try LoadedNetwork(plan) } catch  where source.kind != .systemCalls {}
    }
    preconditionFailure("system calls are the last candidate")
  }
}
