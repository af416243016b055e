import Glibc
import LinuxSystem

/// The search for the separate debug file of a stripped file: on this host, and in the file system of the process that
/// had the file mapped.
///
/// By build id first, which also works for files in containers, then by debug link: the GDB manual, "Debugging
/// Information in Separate Files". A candidate must prove itself: by the same build id, or, when one of the two has
/// none, by the checksum in the debug link. It must also belong to root, to the owner of the file or to the user who asks:
/// others must not name the functions of a file that many run.
package struct DebugFiles: Sendable {
  /// Where the distribution puts debug files, `/usr/lib/debug`.
  let directory: String

  package init(directory: String) { self.directory = directory }

  private static let maximumChecksummedSize = 512 << 20

  package struct DebugFile {
    package let path: String
    package let file: ELFFile
    package let sections: [ELFFile.Section]
  }

  /// Where candidates are looked for, and who may own them.
  private struct Place {
    let owners: Set<uid_t>
    /// Nil for this process's own.
    let root: OpenFile?

    func open(_ path: String) -> OpenFile? {
      try? OpenFile.examined(
        path, in: root, isRoot: root != nil, isStored: true, accepts: { owners.contains($0.st_uid) })
    }
  }

  /// - Parameters:
  ///   - path: what the target calls the file; it may be another file, or none, on the host.
  ///   - isInterrupted: asked often: whether to give up.
  package func find(
    for file: ELFFile, named sections: [String: ELFFile.Section], buildID: String?, path: String,
    isInterrupted: () -> Bool = { false }
  ) -> DebugFile? {
    let link = sections[".gnu_debuglink"].flatMap { Self.debugLink(in: file, section: $0) }
    for place in Self.places(for: file) {
      if let buildID, buildID.utf8.count > 2 {
        let candidate = "\(directory)/.build-id/\(buildID.prefix(2))/\(buildID.dropFirst(2)).debug"
        if let found = open(candidate, in: place, buildID: buildID, checksum: nil, isInterrupted) { return found }
      }
      guard let link, let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), path.utf8.first == UInt8(ascii: "/")
      else { continue }
      let parent = path[..<slash]
      for candidate in [
        "\(parent)/\(link.name)", "\(parent)/.debug/\(link.name)", "\(directory)\(parent)/\(link.name)",
      ] {
        if let found = open(candidate, in: place, buildID: buildID, checksum: link.checksum, isInterrupted) {
          return found
        }
      }
    }
    return nil
  }

  private static func places(for file: ELFFile) -> [Place] {
    var owners: Set<uid_t> = [0, geteuid()]
    guard case .file(let open, _) = file.source else { return [Place(owners: owners, root: nil)] }
    if let status = try? open.status() { owners.insert(status.st_uid) }
    var places = [Place(owners: owners, root: nil)]
    if case .foreign(let root) = open.snapshot?.root { places.append(Place(owners: owners, root: root)) }
    return places
  }

  /// A file name, padded with zeros to a multiple of 4 bytes, and a checksum.
  private static func debugLink(in file: ELFFile, section: ELFFile.Section) -> (name: String, checksum: UInt32)? {
    let bytes = try? file.source.bytes(at: section.fileOffset, count: section.size, of: .debugLink, limit: 4_096)
    guard let bytes else { return nil }
    let name = bytes.cString(from: 0)
    let checksum = (name.count + 4) & ~3
    // A name with a slash could lead anywhere.
    guard !name.isEmpty, !name.contains(UInt8(ascii: "/")), checksum + 4 <= bytes.count else { return nil }
    return (String(decoding: name, as: UTF8.self), bytes.integer(at: checksum))
  }

  /// Opens a candidate and checks that it belongs to the file; what cannot be used is passed over.
  private func open(
    _ path: String, in place: Place, buildID: String?, checksum: UInt32?, _ isInterrupted: () -> Bool
  ) -> DebugFile? {
    guard let opened = place.open(path), let file = try? ELFFile(ByteSource(opened)),
      let sections = try? file.sections(),
      sections.contains(where: { $0.type == ELFFile.SectionType.symbols })
    else { return nil }
    if let buildID, let own = BuildID.find(in: file, sections: sections) {
      guard own == buildID else { return nil }
    } else {
      guard let checksum, Self.checksum(of: file.source, isInterrupted) == checksum else { return nil }
    }
    return DebugFile(path: path, file: file, sections: sections)
  }

  private static func checksum(of source: ByteSource, _ isInterrupted: () -> Bool) -> UInt32? {
    guard source.size <= maximumChecksummedSize else { return nil }
    var checksum: UInt32 = 0
    var offset: UInt64 = 0
    while offset < UInt64(source.size) {
      guard !isInterrupted(), let chunk = try? source.prefix(at: offset, limit: 1 << 16), !chunk.isEmpty else {
        return nil
      }
      checksum = CRC32.update(checksum, with: chunk)
      offset += UInt64(chunk.count)
    }
    return checksum
  }
}
