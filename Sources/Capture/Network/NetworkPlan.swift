import BPF
import CProbes
import Glibc
import LinuxSystem
import ProfileModel

/// The programs to load for a capture, and how they are set up.
struct NetworkPlan {
  let request: ResolvedTask
  let purpose: NetworkProbes.Purpose
  let scope: CaptureScope
  let source: NetworkSource
  /// Whether programs can iterate over a map (since Linux 5.13), as `end_survivors` does.
  let canEndSurvivors: Bool

  private static let iterators: [NetworkProgram] = [
    .markTargets, .findOwners, .findConnections, .findSurvivors, .endSurvivors,
  ]
  private static let lifecycle: [NetworkProgram] = [.processFork, .processExec, .processExit, .processRename]
  private static let sockets: [NetworkProgram] = [.changeState, .destroySocket, .receiveReset, .sendReset, .dropPacket]
  private static let calls: [NetworkProgram] = [.sendLength, .receiveLength, .enterCall, .leaveCall]
  private static let all =
    iterators + lifecycle + sockets + calls + LoadedNetwork.Extra.allCases.flatMap(\.programs)

  /// The programs that are attached when a capture begins, in this order.
  var programs: [NetworkProgram] {
    var programs =
      scope.kernelScope == SWPROF_SCOPE_TARGETS ? Self.lifecycle : purpose.isMonitor ? [] : [.processExec]
    if scope.name == nil { programs.removeAll { $0 == .processRename } }
    programs += Self.sockets
    if source.kind == .sockets { programs += [readsSendingOnly ? .beginSend : .sendLength, .receiveLength] }
    if purpose.parameters.callTimes { programs.append(.enterCall) }
    if source.kind == .systemCalls || purpose.parameters.callTimes { programs.append(.leaveCall) }
    return programs
  }

  /// Whether sent data is read only as sending begins, which costs least. That is enough for a monitor, which counts no
  /// bytes, until a target answers requests over unix sockets.
  private var readsSendingOnly: Bool { purpose.isMonitor && source.sent == .sockets }

  /// Whether there may be new targets during the capture.
  var expectsPrograms: Bool {
    !purpose.isMonitor
      && (request.includesChildren || scope.name != nil || scope.kernelScope != SWPROF_SCOPE_TARGETS)
  }

  /// The optional programs that this capture may attach later.
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
    let iterators = Self.iterators.filter { $0 != .endSurvivors || canEndSurvivors }
    let object = try open(programs + iterators + extras.flatMap(\.programs))
    try object.load()
    if let cgroup = scope.cgroup {
      try object.map(named: NetworkMap.cgroups).update(key: UInt32(0), value: cgroup.descriptor)
    }
    return object
  }

  func load(_ extras: [LoadedNetwork.Extra], sharing others: borrowing BPFObject) throws -> BPFObject {
    let object = try open(extras.flatMap(\.programs))
    try object.shareMaps(of: others)
    try object.load()
    return object
  }

  private func open(_ programs: [NetworkProgram]) throws -> BPFObject {
    let object = try ProgramImage.network.open()
    try object.setConstants(
      NetworkConstants.config, try scope.configuration(for: request, unwind: SWPROF_UNWIND_FRAME_POINTERS))
    try object.setConstants(NetworkConstants.network, configuration())
    try object.setCapacity(ofMap: NetworkMap.networkRecords, request.ringBufferBytes)
    let near: UInt32 = purpose.nearBits == 0 ? 0 : 1 << UInt32(purpose.nearBits)
    try object.setCapacity(ofMap: NetworkMap.nearConnections, max(near, 1))
    try object.setCapacity(ofMap: NetworkMap.connections, purpose.tableCapacity - near)
    for (map, count) in request.capacities { try object.setCapacity(ofMapCalled: map, count) }
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
    config.payload_bytes = parameters.keepsContent ? UInt32(min(parameters.bodyBytes, Int(SWPROF_PAYLOAD_MAX))) : 0
    config.tick_ns = Clock.tickNanoseconds
    return unsafe withUnsafeBytes(of: config) { unsafe Array($0) }
  }
}
