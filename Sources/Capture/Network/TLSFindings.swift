import LinuxSystem
import ProfileModel

/// The encryption of processes, also of those that have ended: it explains why a connection was not read.
struct TLSFindings {
  private struct Finding {
    var implementations: Set<TLSImplementation> = []
    var program: FileIdentity?
    /// When the watch of its OpenSSL library began, in ns.
    var watchedSince: UInt64?
  }

  /// Cached: searching a program for linked implementations takes a while.
  private final class Linked {
    var programs: [FileIdentity: Set<TLSImplementation>] = [:]
    /// The bytes that may still be searched: some 10 ms for 100 MB.
    var budget = 2 << 30
  }

  private static let maximumProcesses = 8192
  private static let maximumPrograms = 512

  private var processes: [ProcessID: Finding] = [:]
  /// Kept open: a process may have ended when its program is searched.
  private var programs: [FileIdentity: OpenFile] = [:]
  private let linked = Linked()

  /// A process runs another program.
  mutating func begin(_ process: ProcessID) { processes[process] = nil }

  mutating func note(_ implementation: TLSImplementation, in process: ProcessID) {
    change(process) { $0.implementations.insert(implementation) }
  }

  /// - Parameter time: when the probes were attached.
  mutating func noteWatched(_ process: ProcessID, since time: MonotonicTime) {
    change(process) {
      $0.implementations.insert(.openSSL)
      if $0.watchedSince == nil { $0.watchedSince = time.nanoseconds }
    }
  }

  mutating func note(program: OpenFile, _ examination: ProgramExamination, in process: ProcessID) {
    change(process) { $0.implementations.formUnion(examination.others) }
    note(program, of: process)
  }

  /// Keeps the program of a process.
  mutating func noteProgram(of process: ProcessID) {
    guard processes[process]?.program == nil,
      let program = try? OpenFile(ProcessTable.directory(of: process) + "/exe")
    else { return }
    note(program, of: process)
  }

  private mutating func note(_ program: OpenFile, of process: ProcessID) {
    guard let status = try? program.status() else { return }
    let identity = FileIdentity(status)
    if programs[identity] == nil, programs.count < Self.maximumPrograms { programs[identity] = program }
    change(process) { $0.program = identity }
  }

  private mutating func change(_ process: ProcessID, _ body: (inout Finding) -> Void) {
    guard processes[process] != nil || processes.count < Self.maximumProcesses else { return }
    body(&processes[process, default: Finding()])
  }

  /// Why an encrypted connection of a process was not read.
  ///
  /// - Parameters:
  ///   - beginning: of the connection, in ns.
  ///   - isUnbound: whether there were calls of its library that used no socket.
  func reason(_ process: ProcessID, beginning: UInt64, isUnbound: Bool) -> String {
    if isUnbound {
      return "it encrypts in memory and sends the result itself (memory BIO), so that no call tells its connection"
    }
    guard let finding = processes[process] else { return "it had ended before it could be looked at" }
    var found = finding.implementations
    if let since = finding.watchedSince, beginning < since {
      return "they began before its OpenSSL library was watched"
    }
    if finding.watchedSince == nil { found.formUnion(finding.program.map(linkedInto) ?? []) }
    return found.isEmpty ? "what encrypts in it is not known" : Self.list(found)
  }

  private func linkedInto(_ identity: FileIdentity) -> Set<TLSImplementation> {
    if let known = linked.programs[identity] { return known }
    let found = programs[identity].map { TLSImplementation.linked(into: $0, budget: &linked.budget) } ?? []
    linked.programs[identity] = found
    return found
  }

  /// If a process has several implementations, any of them may be the one.
  private static func list(_ implementations: Set<TLSImplementation>) -> String {
    TLSImplementation.allCases.filter(implementations.contains).map(\.reason).joined(separator: ", or ")
  }
}
