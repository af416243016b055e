import ELF
import Foundation
import LinuxSystem
import ProfileModel
import Testing

@testable import Capture

/// What is found of a program's encryption before it runs; the truth is the dynamic linker's own.
struct ProgramExaminationTests {
  private func run(_ arguments: [String]) throws -> String {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = arguments
    process.standardOutput = pipe
    process.environment = ProcessInfo.processInfo.environment.merging(["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]) { $1 }
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  private func identity(_ path: String) throws -> FileIdentity { FileIdentity(try OpenFile(path).status()) }

  @Test(arguments: ["/usr/bin/curl", "/usr/bin/openssl", "/bin/sh"])
  func `the libraries of a program are those that ldd finds`(program: String) throws {
    let search = LibrarySearch(root: "", libraryPath: nil, names: [], limit: 60_000_000_000)
    let found = search.files(of: try OpenFile(program), path: program).dropFirst()

    let expected = try run(["ldd", program]).split(separator: "\n").compactMap { line in
      line.split(separator: " ").first { $0.hasPrefix("/") }.map { String($0.trimmingPrefix { $0 == "\t" }) }
        ?? (line.hasPrefix("\t/") ? String(line.dropFirst().prefix { $0 != " " }) : nil)
    }
    #expect(Set(try found.map { try identity($0.path) }) == Set(try expected.map { try identity($0) }))
    #expect(found.count == expected.count)
  }

  @Test func `links in a root directory of its own lead to the files beneath it`() throws {
    let root = NSTemporaryDirectory() + "swprof-root-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: root) }
    for directory in ["lib64", "real", "etc"] {
      try FileManager.default.createDirectory(atPath: "\(root)/\(directory)", withIntermediateDirectories: true)
    }
    // The C library of this machine, under the name that links of both directories lead to.
    let library = try #require(
      LibrarySearch(root: "", libraryPath: nil, names: [], limit: 60_000_000_000)
        .files(of: try OpenFile("/bin/sh"), path: "/bin/sh").first { $0.path.hasSuffix("/libc.so.6") })
    try FileManager.default.copyItem(atPath: library.path, toPath: "\(root)/real/libc.so.6")
    try FileManager.default.createSymbolicLink(
      atPath: "\(root)/lib64/libc.so.6", withDestinationPath: "/real/libc.so.6")

    func libraries(_ root: String) throws -> [LibrarySearch.Found] {
      let search = LibrarySearch(root: root, libraryPath: nil, names: [], limit: 60_000_000_000)
      return Array(search.files(of: try OpenFile("/bin/sh"), path: "/bin/sh").dropFirst())
    }

    let found = try libraries(root)
    #expect(found.map(\.path) == ["/lib64/libc.so.6"])
    let own = try identity("\(root)/real/libc.so.6")
    #expect(FileIdentity(try #require(found.first).file.status()) == own)
    #expect(try libraries(root + "/nowhere").isEmpty)
  }

  @Test func `names lead to the same files as ldconfig's list`() throws {
    let cache = LibraryCache(try OpenFile.contents(of: "/etc/ld.so.cache"))
    var seen: Set<Substring> = []
    var compared = 0
    for line in try run(["ldconfig", "-p"]).split(separator: "\n") where line.contains("x86-64") {
      guard let name = line.split(whereSeparator: \.isWhitespace).first, let path = line.split(separator: " ").last,
        seen.insert(name).inserted
      else { continue }
      #expect(cache[String(name)] == String(path))
      compared += 1
    }
    #expect(compared > 10)
  }

  @Test func `a cache that is cut, or whose numbers lie, leads nowhere`() throws {
    let bytes = try OpenFile.contents(of: "/etc/ld.so.cache")
    for size in [0, 3, 20, 47, 60] { #expect(LibraryCache(Array(bytes.prefix(size)))["libc.so.6"] == nil) }
    // All numbers, and with them all places of texts, are as large as can be.
    let lie = Array(bytes.prefix(20)) + [UInt8](repeating: 0xFF, count: bytes.count - 20)
    #expect(LibraryCache(lie).paths { _ in true } == [])
  }

  @Test func `curl needs OpenSSL and calls its plain functions; a shell may run anything`() throws {
    let search = ProgramExamination.search(root: "", libraryPath: nil)
    let curl = ProgramExamination(try OpenFile("/usr/bin/curl"), at: "/usr/bin/curl", search)
    #expect(curl.libraries.count == 1)
    #expect(curl.functions == ["SSL_read", "SSL_write"])
    let shell = ProgramExamination(try OpenFile("/bin/sh"), at: "/bin/sh", search)
    #expect(shell.libraries.isEmpty)
    #expect(shell.mayLoadMore)
    let list = ProgramExamination(try OpenFile("/bin/ls"), at: "/bin/ls", search)
    #expect(!list.mayLoadMore)
  }

  @Test(
    arguments: [
      ("/usr/lib/libssl.so.3", .openSSL), ("/x/numpy.libs/libssl-3f21.so.1.1", .openSSL), ("/usr/lib/libssl3.so", .nss),
      ("/usr/lib/libgnutls.so.30", .gnuTLS), ("/jdk/lib/server/libjvm.so", .java), ("/usr/lib/libsslcommon.so", nil),
      ("/usr/lib/libc.so.6", nil),
    ] as [(String, TLSImplementation?)])
  func `libraries are told by their names`(path: String, implementation: TLSImplementation?) {
    #expect(TLSImplementation(library: path) == implementation)
  }

  @Test func `what is linked into a program is told by its sections and texts`() throws {
    let go = try run(["go", "env", "GOROOT"]).split(separator: "\n")[0] + "/bin/go"
    var budget = 1 << 30
    #expect(TLSImplementation.linked(into: try OpenFile(String(go)), budget: &budget) == [.go])
    #expect(budget == 1 << 30)
    #expect(TLSImplementation.linked(into: try OpenFile("/bin/ls"), budget: &budget) == [])
    #expect(budget < 1 << 30)
  }

  @Test func `the reason is what is known of the process, and that nothing is`() {
    let (process, other) = (ProcessID(rawValue: 10), ProcessID(rawValue: 11))
    var findings = TLSFindings()
    #expect(findings.reason(process, beginning: 5, isUnbound: false).contains("ended before"))
    findings.note(.gnuTLS, in: process)
    #expect(findings.reason(process, beginning: 5, isUnbound: false).hasPrefix("GnuTLS"))
    findings.noteWatched(other, since: MonotonicTime(nanoseconds: 100))
    #expect(findings.reason(other, beginning: 50, isUnbound: false).contains("before its OpenSSL library was watched"))
    #expect(findings.reason(other, beginning: 150, isUnbound: false).contains("SSL_read"))
    #expect(findings.reason(other, beginning: 150, isUnbound: true).contains("memory BIO"))
    findings.begin(process)
    #expect(findings.reason(process, beginning: 5, isUnbound: false).contains("ended before"))
  }
}
