import Foundation
import Glibc
import Testing

@testable import LinuxSystem

@Suite struct FileSnapshotTests {
  private final class Folder {
    let path = NSTemporaryDirectory() + "/swprof-snapshot-" + UUID().uuidString
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private let folder: Folder
  private var path: String { folder.path + "/file" }

  init() throws {
    folder = try Folder()
    try "content".write(toFile: path, atomically: false, encoding: .utf8)
  }

  private func snapshot(_ file: OpenFile, buildID: String?) throws -> FileSnapshot {
    let status = try file.status()
    // Times of files move on with the ticks of the kernel's clock.
    for _ in 0..<100_000 {
      let other = folder.path + "/clock"
      try "tick".write(toFile: other, atomically: false, encoding: .utf8)
      let now = try OpenFile(other).status().st_ctim
      if (now.tv_sec, now.tv_nsec) > (status.st_ctim.tv_sec, status.st_ctim.tv_nsec) { break }
    }
    return FileSnapshot(status, buildID: buildID)
  }

  private func change(_ text: String, keepingTime: Bool) throws {
    var status = stat()
    try #require(stat(path, &status) == 0)
    let file = try FileHandle(forUpdating: URL(filePath: path))
    try file.write(contentsOf: Data(text.utf8))
    try file.close()
    if keepingTime {
      let times = [status.st_atim, status.st_mtim]
      try #require(utimensat(AT_FDCWD, path, times, 0) == 0)
    }
  }

  @Test(arguments: [nil, "id"])
  func `a file that nobody touched has its content`(buildID: String?) throws {
    let file = try OpenFile(path)
    let snapshot = try snapshot(file, buildID: buildID)

    #expect(snapshot.isContent(of: try file.status()) { buildID })
  }

  @Test(arguments: [("CONTENT", false), ("CONTENT and more", false), ("CONTENT", true)])
  func `a file that was written to has other content, whatever its times say`(text: String, keepsTime: Bool) throws {
    let file = try OpenFile(path)
    let bare = try snapshot(file, buildID: nil)
    let identified = FileSnapshot(try file.status(), buildID: "a")
    try change(text, keepingTime: keepsTime)

    #expect(!bare.isContent(of: try file.status()) { nil })
    #expect(!identified.isContent(of: try file.status()) { "b" })
  }

  @Test func `a file that was renamed or given away has its content, as its build id shows`() throws {
    let file = try OpenFile(path)
    let snapshot = try snapshot(file, buildID: "a")
    try #require(rename(path, path + "2") == 0 && chmod(path + "2", 0o600) == 0)

    #expect(snapshot.isContent(of: try file.status()) { "a" })
  }

  @Test func `a file that was deleted has its content without a build id too`() throws {
    let file = try OpenFile(path)
    let snapshot = try snapshot(file, buildID: nil)
    try #require(unlink(path) == 0)

    #expect(snapshot.isContent(of: try file.status()) { nil })
  }

  @Test func `another file at the same path is another one`() throws {
    let snapshot = try snapshot(try OpenFile(path), buildID: "a")
    let keeper = try OpenFile(path)
    try "content".write(toFile: path, atomically: true, encoding: .utf8)

    #expect(!snapshot.isContent(of: try OpenFile(path).status()) { "a" })
    #expect(snapshot.isContent(of: try keeper.status()) { "a" })
  }

  /// A mapping of a file in this process, as the kernel shows it.
  private func mapping(_ file: OpenFile) throws -> MemoryMapping {
    let place = try #require(mmap(nil, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file.descriptor, 0))
    try #require(place != MAP_FAILED)
    defer { munmap(place, 4096) }
    let start = UInt64(UInt(bitPattern: place))
    return try #require(try ProcessTable.mappings(of: ProcessTable.own).first { $0.start == start })
  }

  @Test func `the file of a mapping is known by its device and inode`() throws {
    let file = try OpenFile(path)
    let mapping = try mapping(file)
    let other = MemoryMapping(
      start: mapping.start, end: mapping.end, fileOffset: 0, device: mapping.device + 1, inode: mapping.inode,
      path: path)
    try "content".write(toFile: path, atomically: true, encoding: .utf8)
    let replaced = try OpenFile(path)

    #expect(file.identity(in: mapping, try file.status()) == .exact)
    #expect(file.identity(in: other, try file.status()) == nil)
    #expect(replaced.identity(in: mapping, try replaced.status()) == nil)
  }
}
