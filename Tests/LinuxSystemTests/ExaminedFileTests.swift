import Foundation
import Glibc
import Testing

@testable import LinuxSystem

@Suite struct ExaminedFileTests {
  private final class Folder {
    let path = NSTemporaryDirectory() + "/swprof-examined-" + UUID().uuidString
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private let folder: Folder
  private var path: String { folder.path + "/file" }

  init() throws { folder = try Folder() }

  private func text(_ file: OpenFile) throws -> String { String(decoding: try file.read(), as: UTF8.self) }

  @Test func `a regular file is opened, through links too where they are followed`() throws {
    try "content".write(toFile: path, atomically: false, encoding: .utf8)
    #expect(symlink(path, folder.path + "/link") == 0)

    #expect(try text(OpenFile.examined(path)) == "content")
    #expect(try text(OpenFile.examined(folder.path + "/link")) == "content")
    #expect(throws: OpenRefusal.type(.symbolicLink)) {
      try OpenFile.examined(folder.path + "/link", followsLinks: false)
    }
  }

  /// To open a pipe without a writer would block.
  @Test func `a pipe is refused and not opened`() throws {
    #expect(mkfifo(path, 0o600) == 0)

    #expect(throws: OpenRefusal.type(.pipe)) { try OpenFile.examined(path) }
    // A writer that does not wait finds no reader.
    #expect(open(path, O_WRONLY | O_NONBLOCK) == -1)
    #expect(errno == ENXIO)
  }

  @Test(arguments: [("/dev/null", FileType.device), ("/proc", .directory)])
  func `what is no regular file is refused with its kind`(path: String, type: FileType) {
    #expect(throws: OpenRefusal.type(type)) { try OpenFile.examined(path) }
  }

  @Test func `a file that the kernel makes up is refused where its content must be stored`() throws {
    #expect(throws: OpenRefusal.madeUp) { try OpenFile.examined("/proc/self/maps", isStored: true) }
    #expect(throws: OpenRefusal.madeUp) { try OpenFile.examined("/sys/kernel/notes", isStored: true) }
    #expect(try !OpenFile.examined("/proc/self/maps").read().isEmpty)
    try "content".write(toFile: path, atomically: false, encoding: .utf8)
    #expect(try text(OpenFile.examined(path, isStored: true)) == "content")
  }

  @Test func `a socket is refused with its kind`() throws {
    let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(result == 0)

    #expect(throws: OpenRefusal.type(.socket)) { try OpenFile.examined(path) }
  }

  @Test func `what the caller's own test refuses is not opened`() throws {
    try "x".write(toFile: path, atomically: false, encoding: .utf8)

    #expect(throws: OpenRefusal.status(owner: geteuid())) {
      try OpenFile.examined(path, accepts: { $0.st_uid != geteuid() })
    }
  }

  @Test func `the file that was examined is opened, whatever its name leads to by now`() throws {
    try "examined".write(toFile: path, atomically: false, encoding: .utf8)

    let file = try OpenFile.examined(
      path,
      accepts: { _ in
        // Somebody puts a pipe in its place meanwhile.
        unlink(path) == 0 && mkfifo(path, 0o600) == 0
      })

    #expect(try text(file) == "examined")
  }

  @Test func `a file in a directory, and one that is not there`() throws {
    try "content".write(toFile: path, atomically: false, encoding: .utf8)
    let directory = try OpenFile.examined(folder.path, types: [.directory], flags: O_RDONLY | O_DIRECTORY)

    #expect(try text(OpenFile.examined("file", in: directory)) == "content")
    #expect(throws: OpenRefusal.system(.noSuchFile)) { try OpenFile.examined("other", in: directory) }
  }
}
