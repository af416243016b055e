package import Glibc
package import LinuxSystem
package import ProfileModel

/// Why a perf-map is not used.
package enum PerfMapRefusal: Error, Equatable, CustomStringConvertible {
  /// The process has none.
  case missing
  case symbolicLink
  case notRegular
  case owner(uid_t)
  /// The kernel makes up its content.
  case madeUp
  case unreadable(Errno)

  init(_ refusal: OpenRefusal) {
    switch refusal {
    case .type(.symbolicLink): self = .symbolicLink
    case .type: self = .notRegular
    case .status(let owner): self = .owner(owner)
    case .madeUp: self = .madeUp
    case .system(let cause) where cause == .noSuchFile: self = .missing
    case .system(let cause) where [ELOOP, ENOTDIR].contains(cause.code): self = .symbolicLink
    case .system(let cause): self = .unreadable(cause)
    }
  }

  package var description: String {
    switch self {
    case .missing: "there is no perf-map"
    case .symbolicLink: "the perf-map is a symbolic link"
    case .madeUp: "the perf-map is a file of the kernel's, as those of /proc"
    case .notRegular: "the perf-map is not a regular file"
    case .owner(let owner): "the perf-map belongs to user \(owner), neither the process's nor root"
    case .unreadable(let cause): "the perf-map cannot be read: \(cause)"
    }
  }
}

/// The file in which a just-in-time compiler names its code: `start size name` a line, both numbers hexadecimal, with
/// or without `0x` (tools/perf/Documentation/jit-interface.txt in the kernel's sources; `jcmd Compiler.perfmap`).
package enum PerfMap {
  /// The names of addresses, and what was wrong with the file.
  struct Names {
    /// Parallel to the wanted addresses.
    var names: [String?]
    var warning: String?
  }

  /// How much of a file is read; a runtime that never stops compiling appends without end.
  static let maximumSize = 256 << 20
  /// Honest entries hardly overlap; in a hostile file each could cover every address.
  static let maximumUpdates = 20_000_000
  private static let maximumName = 1_024

  /// Where the perf-map of a process is in the process's own file system, with the map if there is one by now.
  ///
  /// Anyone may create files in /tmp, so no symbolic link is followed from the process's root on, and the map must be
  /// the process's or root's.
  ///
  /// - Parameter innermostID: the process's number in its own pid namespace.
  package static func place(
    process: ProcessID, innermostID: ProcessID, owners: Set<uid_t>
  ) -> Result<PerfMapPlace, PerfMapRefusal> {
    place(
      directory: ProcessTable.directory(of: process) + "/root/tmp", name: "perf-\(innermostID).map", owners: owners)
  }

  /// The last component of `directory` must not be a symbolic link either.
  static func place(directory: String, name: String, owners: Set<uid_t>) -> Result<PerfMapPlace, PerfMapRefusal> {
    let parent: OpenFile
    do throws(Errno) {
      parent = try OpenFile(directory, flags: OpenFile.pathOnly | O_DIRECTORY | O_NOFOLLOW)
    } catch {
      return .failure(PerfMapRefusal(.system(error)))
    }
    switch open(name, in: parent, owners: owners) {
    case .success(let file):
      return .success(PerfMapPlace(directory: parent, name: name, owners: owners, file: file))
    case .failure(.missing):
      return .success(PerfMapPlace(directory: parent, name: name, owners: owners, file: nil))
    case .failure(let refusal): return .failure(refusal)
    }
  }

  /// The maps of a place: the one that is there now, then the one that was there when the code was first seen, if that
  /// is another file.
  static func maps(at place: PerfMapPlace) -> (maps: [OpenFile], refusal: PerfMapRefusal?) {
    switch open(place.name, in: place.directory, owners: place.owners) {
    case .success(let file):
      guard let first = place.file, let old = try? first.status(), let new = try? file.status(),
        old.st_dev != new.st_dev || old.st_ino != new.st_ino
      else { return ([file], nil) }
      return ([file, first], nil)
    case .failure(let refusal):
      return (place.file.map { [$0] } ?? [], refusal == .missing ? nil : refusal)
    }
  }

  private static func open(_ name: String, in parent: OpenFile, owners: Set<uid_t>) -> Result<OpenFile, PerfMapRefusal>
  {
    do throws(OpenRefusal) {
      return .success(
        try OpenFile.examined(
          name, in: parent, followsLinks: false, isStored: true, accepts: { owners.contains($0.st_uid) }))
    } catch {
      return .failure(PerfMapRefusal(error))
    }
  }

  /// Finds names in the maps of a place; what the first does not name, the next may.
  static func names(
    of wanted: WantedAddresses, in maps: [OpenFile], _ budget: NamingBudget = NamingBudget()
  ) -> Names {
    var result = Names(names: Array(repeating: nil, count: wanted.count))
    for map in maps where result.names.contains(nil) {
      let found = names(of: wanted, in: map, budget)
      for index in result.names.indices where result.names[index] == nil { result.names[index] = found.names[index] }
      result.warning = result.warning ?? found.warning
    }
    return result
  }

  /// Finds names in an open perf-map.
  static func names(
    of wanted: WantedAddresses, in file: OpenFile, _ budget: NamingBudget = NamingBudget(), limit: Int = maximumSize
  ) -> Names {
    var search = Search(wanted, budget)
    do throws(Errno) {
      let end = try LineReader.forEachLine(of: file, limit: limit) { search.note($0) }
      return search.finish(end, limit: limit)
    } catch {
      return Names(names: search.names, warning: "the perf-map cannot be read: \(error)")
    }
  }

  /// Finds names in the text of a perf-map.
  static func names(of wanted: WantedAddresses, in bytes: [UInt8], limit: Int = maximumSize) -> Names {
    var search = Search(wanted, NamingBudget())
    let end = LineReader.forEachLine(of: bytes, limit: limit) { search.note($0) }
    return search.finish(end, limit: limit)
  }

  private struct Search {
    let wanted: WantedAddresses
    var names: [String?]
    private var updates = 0
    private var meter: NamingMeter

    init(_ wanted: WantedAddresses, _ budget: NamingBudget) {
      self.wanted = wanted
      meter = NamingMeter(budget, hasTimeLimit: false)
      self.names = Array(repeating: nil, count: wanted.count)
    }

    /// Takes a line; what is no entry is passed over, as perf does. Returns false when it is too much.
    mutating func note(_ line: Span<UInt8>) -> Bool {
      guard meter.spend() else { return false }
      var position = 0
      guard let start = PerfMap.number(line, &position), PerfMap.skipSpaces(line, &position),
        let size = PerfMap.number(line, &position), PerfMap.skipSpaces(line, &position), position < line.count
      else { return true }
      var index = wanted.firstIndex(notBelow: start)
      guard index < wanted.count, wanted.sorted[index] - start < size else { return true }
      let name = line.text(position..<min(line.count, position + PerfMap.maximumName))
      while index < wanted.count, wanted.sorted[index] - start < size {
        names[index] = name
        index += 1
        updates += 1
      }
      return updates <= PerfMap.maximumUpdates
    }

    func finish(_ end: LineReader.End, limit: Int) -> Names {
      switch end {
      case .finished: Names(names: names)
      case .limit: Names(names: names, warning: "only the first \(limit >> 20) MiB of the perf-map were read")
      case .stopped where meter.stop != nil:
        Names(names: names, warning: "naming was ended early; the rest of the perf-map was not read")
      case .stopped: Names(names: names, warning: "the entries of the perf-map overlap too much; the rest was not read")
      }
    }
  }

  private static func number(_ line: Span<UInt8>, _ position: inout Int) -> UInt64? {
    if position + 1 < line.count, line[position] == UInt8(ascii: "0"), line[position + 1] | 0x20 == UInt8(ascii: "x") {
      position += 2
    }
    return line.hexadecimal(&position)
  }

  private static func skipSpaces(_ line: Span<UInt8>, _ position: inout Int) -> Bool {
    let start = position
    while position < line.count, line[position] == 0x20 || line[position] == 0x09 { position += 1 }
    return position > start
  }
}
