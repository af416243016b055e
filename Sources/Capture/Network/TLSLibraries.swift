import BPF
import ELF
import Glibc
import LinuxSystem
import ProfileModel

/// The TLS libraries that targets have mapped, and the places in them where plain text goes in and out.
///
/// OpenSSL and what has its interface: `SSL_read`, `SSL_write` and their `_ex` forms, which CPython uses alone. Probes
/// are attached to one process each: one that is hit costs microseconds, whoever hits it.
struct TLSLibraries {
  /// What is attached for one library of one process.
  struct Library {
    let process: ProcessID
    /// As the process has it mapped.
    let path: String
    let places: [(program: String, probe: UserProbe)]
  }

  private struct Key: Hashable {
    let process: ProcessID
    let start: UInt64
  }

  /// What is watched, and the program that is run when it is entered; all have the same one for their return.
  private static let functions = [
    ("SSL_read", "enter_tls_read"), ("SSL_write", "enter_tls_write"), ("SSL_read_ex", "enter_tls_read_ex"),
    ("SSL_write_ex", "enter_tls_write_ex"),
  ]
  private static let returnProgram = "leave_tls"
  static let programs = functions.map(\.1) + [returnProgram]

  /// When to look for new processes again.
  private static let interval: UInt64 = 100_000_000
  private static let wideInterval: UInt64 = 2_000_000_000
  /// A process may load a library at any time, and does so soon as a rule: it is looked at again ever more seldom, up to
  /// so many ns apart.
  private static let patience: UInt64 = 2_000_000_000

  private var nextLook = MonotonicTime(nanoseconds: 0)
  /// What has been attached.
  private var known: Set<Key> = []
  /// When a process was last looked at, and for how long that does.
  private var looks: [ProcessID: (at: MonotonicTime, wait: UInt64)] = [:]
  private(set) var warnings: [String] = []

  /// - Parameter isWide: whether there are many processes to look at.
  mutating func isDue(isWide: Bool) -> Bool {
    let now = Clock.monotonic
    guard now >= nextLook else { return false }
    nextLook = now + (isWide ? Self.wideInterval : Self.interval)
    return true
  }

  /// Watches the libraries that processes have mapped by now.
  mutating func attach(to loaded: inout LoadedNetwork, in processes: [ProcessID]) {
    for library in newProbes(of: processes) {
      do { for (program, place) in library.places { try loaded.attach(program, to: place) } } catch {
        note(error, library)
      }
    }
  }

  /// The libraries of processes that nothing is attached to yet.
  private mutating func newProbes(of processes: [ProcessID]) -> [Library] {
    let now = Clock.monotonic
    var libraries: [Library] = []
    for process in processes where process != ProcessTable.own {
      let last = looks[process]
      if let last, now.nanoseconds(since: last.at) < last.wait { continue }
      // One whose mappings cannot be read yet is looked at again at once.
      let mappings = (try? ProcessTable.mappings(of: process)) ?? []
      if last != nil || !mappings.isEmpty {
        looks[process] = (now, last.map { min(2 * $0.wait, Self.patience) } ?? Self.interval)
      }
      for mapping in mappings where Self.isLibrary(mapping.path) {
        guard known.insert(Key(process: process, start: mapping.start)).inserted else { continue }
        let used = Self.usedFunctions(of: process, mappings)
        if let library = Self.library(mapping, of: process, used: used) { libraries.append(library) }
      }
    }
    if looks.count > 4 * max(64, processes.count) {
      let current = Set(processes)
      looks = looks.filter { current.contains($0.key) }
      known = known.filter { current.contains($0.process) }
    }
    return libraries
  }

  static func isLibrary(_ path: String) -> Bool {
    let name = path.split(separator: "/").last ?? ""
    return name.hasPrefix("libssl.so") || name.hasPrefix("libssl-")
  }

  private static func library(
    _ mapping: MemoryMapping, of process: ProcessID, used: Set<String>
  ) -> Library? {
    let span = String(mapping.start, radix: 16) + "-" + String(mapping.end, radix: 16)
    let candidates = ["/proc/\(process)/map_files/\(span)", "/proc/\(process)/root\(mapping.path)"]
    guard let file = candidates.first(where: { unsafe access($0, R_OK) == 0 }) else { return nil }
    let places = functions.filter { used.isEmpty || used.contains($0.0) }.flatMap { function, enter in
      [
        (enter, UserProbe(file: file, function: function, isReturn: false, process: process.rawValue)),
        (returnProgram, UserProbe(file: file, function: function, isReturn: true, process: process.rawValue)),
      ]
    }
    return Library(process: process, path: mapping.path, places: places)
  }

  /// Which of the functions the files of a process ask the dynamic linker for; none where they are found otherwise.
  ///
  /// A probe costs the kernel a tenth of a second when it is taken off again.
  private static func usedFunctions(of process: ProcessID, _ mappings: [MemoryMapping]) -> Set<String> {
    var used: Set<String> = []
    var seen: Set<UInt64> = []
    for mapping in mappings where mapping.inode != 0 && !isLibrary(mapping.path) {
      guard seen.insert(mapping.inode).inserted, let file = MappedFile.open(mapping, of: process) else { continue }
      used.formUnion(importedFunctions(of: file))
    }
    return used
  }

  private static func importedFunctions(of file: OpenFile) -> [String] {
    guard let elf = try? ELFFile(ByteSource(file)), let sections = try? elf.sections(),
      let names = try? elf.sectionsByName(sections)[".dynstr"],
      let strings = try? elf.source.prefix(at: names.fileOffset, limit: Int(min(names.size, 4 << 20)))
    else { return [] }
    let words = Set(
      strings.split(separator: 0).filter { $0.starts(with: "SSL_".utf8) }.map { String(decoding: $0, as: UTF8.self) })
    return functions.map(\.0).filter(words.contains)
  }

  private mutating func note(_ error: BPFError, _ library: Library) {
    warnings.append(
      "process \(library.process): what \(library.path) encrypts is not read (\(error.cause)); its connections are"
        + " counted all the same")
  }
}
