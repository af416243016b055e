package import LinuxSystem

extension OpenFile {
  /// Whether the file has the content that it had when it was opened as a mapped file; true for any other file.
  package var hasItsContent: Bool {
    guard let snapshot, let status = try? status() else { return true }
    return snapshot.isContent(of: status) { ownBuildID }
  }

  /// The same open file with a note of what it is now, and of the root directory of the process that has mapped it.
  package func withSnapshot(root: TargetRoot = .shared) throws(Errno) -> OpenFile {
    try OpenFile(self, snapshot: FileSnapshot(try status(), buildID: ownBuildID, root: root))
  }

  private var ownBuildID: String? {
    (try? ELFFile(ByteSource(self))).flatMap { BuildID.find(in: $0, sections: []) }
  }
}
