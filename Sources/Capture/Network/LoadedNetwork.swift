import BPF
import CProbes
import LinuxSystem
import ProfileModel

/// The loaded programs of network profiling: those of every capture, and optional ones once a target needs them.
struct LoadedNetwork: ~Copyable {
  /// Optional programs, which few targets need. The kernel takes a tenth of a second to load them, and each attached one
  /// costs every process on the host.
  enum Extra: CaseIterable {
    /// Counts sent bytes, and reads what is sent over unix sockets.
    case lengths
    /// Reads sent data as sending begins.
    case sending
    /// Reads received data from its packets.
    case packets
    /// Reads the plain text of TLS libraries.
    case libraries

    var programs: [NetworkProgram] {
      switch self {
      case .lengths: [.sendLength]
      case .sending: [.beginSend]
      case .packets: [.copyPacket]
      case .libraries: TLSLibraries.programs
      }
    }

    /// The bit by which programs ask for it: SWPROF_NEED_*; 0: they never do.
    fileprivate var need: UInt32 {
      switch self {
      case .lengths: UInt32(SWPROF_NEED_LENGTHS)
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
  private let plan: NetworkPlan
  /// The extra programs that were loaded with the others.
  private let included: [Extra]
  private var additions: [Addition] = []
  /// The optional programs that are not loaded, and whose loading has not failed.
  private var absent: [Extra]
  /// The programs that could not be loaded, and why.
  private(set) var warnings: [String] = []

  var source: NetworkSource { plan.source }
  /// Whether targets may begin further programs.
  var expectsPrograms: Bool { plan.expectsPrograms }

  init(_ plan: NetworkPlan) throws {
    self.plan = plan
    // A command may do anything, and from its first instruction on. Programs that targets start encrypt within
    // milliseconds.
    included = plan.extras.filter { plan.request.awaitedCommand != nil || $0 == .libraries && plan.expectsPrograms }
    absent = plan.extras.filter { [included] in !included.contains($0) }
    object = try plan.load(with: included)
  }

  /// Attaches the programs that the capture begins with. No process is a target before all of them are attached.
  ///
  /// - Returns: when the capture began.
  mutating func attach() throws -> MonotonicTime {
    for program in plan.programs { try object.attach(program) }
    for program in Self.unasked(included) { try object.attach(program) }
    try noteMet()
    return try enter(SWPROF_NETWORK_RUNNING)
  }

  /// - Returns: when the phase before has ended.
  @discardableResult
  func enter(_ phase: swprof_network_phase) throws -> MonotonicTime {
    let now = Clock.monotonic
    try object.map(named: NetworkMap.phase).update(key: UInt32(0), value: phase.rawValue)
    return now
  }

  /// Writes to the map `needs` which optional programs are attached.
  private func noteMet() throws {
    let attached = included + additions.flatMap(\.extras)
    let unmet = plan.extras.filter { !attached.contains($0) }.reduce(0) { $0 | $1.need }
    try object.map(named: NetworkMap.needs).update(key: UInt32(SWPROF_NEEDS_MET), value: ~unmet)
  }

  /// The optional programs that are attached as soon as they are loaded.
  private static func unasked(_ extras: [Extra]) -> [NetworkProgram] {
    extras.filter { $0.need != 0 }.flatMap(\.programs)
  }

  /// Attaches the optional programs that targets have asked for. If that fails, unread data is counted as lost.
  mutating func attachNeeded() throws {
    guard absent.contains(where: { $0.need != 0 }),
      let needs = try object.map(named: NetworkMap.needs).value(forKey: UInt32(SWPROF_NEEDS_ASKED), initial: UInt32(0))
    else { return }
    add(absent.filter { $0.need & needs != 0 })
  }

  /// Notes the connections that a process still has open, and ends the answers of the others.
  func findSurvivors() throws {
    _ = try object.iterate(NetworkProgram.findSurvivors)
    if plan.canEndSurvivors { _ = try object.iterate(NetworkProgram.endSurvivors) }
  }

  /// Attaches a program to a function of a library.
  ///
  /// - Parameter links: they keep the program attached; nil: the loaded object does.
  mutating func attach(
    _ program: NetworkProgram, to place: UserProbe, keptBy links: UserProbeLinks? = nil
  ) throws(BPFError) {
    if included.contains(where: { $0.programs.contains(program) }) {
      try object.attach(program, to: place, keptBy: links)
      return
    }
    add(absent.filter { $0.programs.contains(program) })
    for addition in additions where addition.extras.contains(where: { $0.programs.contains(program) }) {
      try addition.object.attach(program, to: place, keptBy: links)
    }
  }

  /// Takes over probes. They are detached with all others.
  mutating func adopt(_ links: UserProbeLinks) { object.adopt(links) }

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
      try noteMet()
    } catch {
      warnings.append("\(Self.description(of: extras)) cannot be read: \(error)")
    }
  }

  private static func description(of extras: [Extra]) -> String {
    extras.map {
      switch $0 {
      case .lengths: "what is sent over unix sockets"
      case .sending: "what io_uring sends"
      case .packets: "what io_uring receives"
      case .libraries: "what is encrypted"
      }
    }.joined(separator: ", and ")
  }
}
