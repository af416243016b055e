import BPF
import CProbes
import Glibc
import LinuxSystem
package import ProfileModel

/// Counts the HTTP requests that processes answer, at a low cost: by path, in the kernel, without a record for each.
package struct HTTPMonitor: ~Copyable {
  /// The requests on a path that a process has answered since it is watched. One path may have several: their sum counts.
  package struct Totals: Equatable, Sendable {
    package var process: ProcessID
    package var path: String
    package var totals: RequestTotals
  }

  /// Declared before `loaded`, and so freed before the programs that its probes run.
  private var libraries = TLSLibraries(isMonitor: true)
  private var loaded: LoadedNetwork
  private var watched: Set<ProcessID> = []
  /// How often endpoints were removed.
  private var generation: UInt32 = 0
  package var source: NetworkSource { loaded.source }

  /// Loads and attaches everything; nothing is counted before `watch(_:)`.
  package static func start() throws(CaptureError) -> HTTPMonitor {
    try Privileges.check()
    let parameters = NetworkOptions(reasons: [])
    var spec = TaskSpec(kind: .network(parameters))
    spec.options.includesChildren = false
    let request = ResolvedTask(spec, ringBufferBytes: UInt32(Host.pageSize))
    let scope = try CaptureScope(request.target)
    return try CaptureError.translating {
      let purpose = NetworkProbes.Purpose(
        parameters: parameters, tableCapacity: 1 << 15, isMonitor: true)
      var loaded = try NetworkProbes.load(request, purpose, scope)
      _ = try loaded.attach()
      return HTTPMonitor(loaded)
    }
  }

  private init(_ loaded: consuming LoadedNetwork) { self.loaded = loaded }

  /// Counts the requests that these processes answer from now on, and no others.
  package mutating func watch(_ processes: Set<ProcessID>) throws(CaptureError) {
    guard processes != watched else { return }
    let (added, removed) = (processes.subtracting(watched), watched.subtracting(processes))
    watched = processes
    try CaptureError.translating {
      let targets = try loaded.object.map(named: NetworkMap.targets)
      for process in removed { targets.remove(key: UInt32(process.rawValue)) }
      for process in added { try targets.update(key: UInt32(process.rawValue), value: UInt8(1)) }
      _ = try loaded.object.iterate(NetworkProgram.markTargets)
      if !added.isEmpty {
        _ = try loaded.object.iterate(NetworkProgram.findConnections)
        try loaded.attachNeeded()
      }
      if !removed.isEmpty { try forget(removed) }
    }
  }

  private mutating func forget(_ processes: Set<ProcessID>) throws {
    libraries.forget(processes)
    try EndpointTable(loaded.object).remove { processes.contains(ProcessID(rawValue: Int32(bitPattern: $0))) }
    generation &+= 1
    try loaded.object.map(named: NetworkMap.endpointGeneration).update(key: UInt32(0), value: generation)
  }

  /// The losses so far, by cause.
  package func losses() throws(CaptureError) -> [NetworkLoss: UInt64] {
    try CaptureError.translating { try NetworkCounters.losses(loaded.object, try NetworkCounters.read(loaded.object)) }
  }

  /// The parts that cannot be watched, and why.
  package var warnings: [String] { loaded.warnings + libraries.warnings }

  /// The answered requests so far, by process and path; numbers only grow while a process is watched.
  package mutating func totals() throws(CaptureError) -> [Totals] {
    if libraries.isDue(isWide: true) {
      libraries.attach(to: &loaded, in: Array(watched))
    }
    return try CaptureError.translating {
      try loaded.attachNeeded()
      return try EndpointTable(loaded.object).entries().map {
        let endpoint = HTTPEndpoint($0, $1)
        return Totals(process: endpoint.process, path: endpoint.path, totals: endpoint.totals)
      }
    }
  }
}
