import Foundation
import LinuxSystem
import ProfileModel
import Testing

@Suite struct ProcessTableTests {
  @Test func `descendants are children, their children, and no one else`() throws {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    // `wait` keeps the shells from becoming what they start.
    process.arguments = ["-c", "sh -c 'sleep 100 & sleep 100 & wait' & wait"]
    // What outlives the test by an error holds none of its streams.
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let root = ProcessID(rawValue: process.processIdentifier)
    defer {
      for process in ProcessTable.descendants(of: [root]) + [root] { kill(process.rawValue, SIGKILL) }
    }
    var found: [String] = []
    for _ in 0..<2000 where found.sorted() != ["sh", "sleep", "sleep"] {
      usleep(5000)
      found = ProcessTable.descendants(of: [root]).compactMap { try? ProcessTable.name(of: $0) }
    }

    #expect(found.sorted() == ["sh", "sleep", "sleep"])
    #expect(ProcessTable.descendants(of: [ProcessTable.own]).contains(root))
    // The highest number of a process is 2^22 (PID_MAX_LIMIT).
    #expect(ProcessTable.descendants(of: [ProcessID(rawValue: 1 << 22)]).isEmpty)
  }

  @Test func `who is root to a process is told by its user namespace`() throws {
    try #require(geteuid() == 0, "run as root: a process of another user is started")
    #expect(try ProcessTable.rootID(of: ProcessTable.own) == 0)

    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/setpriv")
    process.arguments = ["--reuid", "4711", "--clear-groups", "unshare", "--user", "--map-root-user", "sleep", "100"]
    try process.run()
    defer { process.terminate() }
    let other = ProcessID(rawValue: process.processIdentifier)
    for _ in 0..<2000 where (try? ProcessTable.name(of: other)) != "sleep" { usleep(5000) }

    #expect(try ProcessTable.rootID(of: other) == 4711)
  }

  @Test func `a process whose main thread has ended is looked into by another thread`() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "swprof-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: directory) }
    let source = """
      #include <pthread.h>
      #include <unistd.h>
      static void *stay(void *unused) { alarm(60); for (;;) pause(); }
      int main(void) { pthread_t thread; pthread_create(&thread, 0, stay, 0); pthread_exit(0); }
      """
    try source.write(to: directory.appending(path: "main.c"), atomically: true, encoding: .utf8)
    let program = directory.appending(path: "leaderless").path
    let compiler = try Process.run(
      URL(filePath: "/usr/bin/gcc"), arguments: ["-pthread", "-o", program, directory.appending(path: "main.c").path])
    compiler.waitUntilExit()
    try #require(compiler.terminationStatus == 0)
    let process = try Process.run(URL(filePath: program), arguments: [])
    defer { kill(process.processIdentifier, SIGKILL) }
    let number = ProcessID(rawValue: process.processIdentifier)
    for _ in 0..<2000 where ProcessTable.survivor(of: number) == nil { usleep(5000) }

    let thread = try #require(ProcessTable.survivor(of: number))
    #expect(thread.rawValue != number.rawValue)
    #expect(try ProcessTable.mappings(of: number).contains { $0.path == program })
    #expect(ProcessTable.executable(of: number) == program)
    #expect(ProcessTable.startTicks(of: number) != nil)
    #expect(ProcessTable.survivor(of: ProcessTable.own) == nil)
    #expect(ProcessTable.directory(of: ProcessTable.own) == "/proc/\(ProcessTable.own)")
  }

  @Test func `the state, the parent and the start are told behind any name`() {
    let fields = (["Z", "4"] + [String](repeating: "0", count: 17) + ["77", "0"]).joined(separator: " ")
    let stat = ProcessStat("7 (a) b (c) \(fields)")

    #expect(stat?.hasEnded == true)
    #expect(stat?.parent == ProcessID(rawValue: 4))
    #expect(stat?.startTicks == 77)
    #expect(ProcessStat("7 (a) Z x") == nil)
  }

  @Test(arguments: ["\u{301}abc", "abc\u{600}", "a\r", ") Z (", "\u{600}) S 1 (\u{301}", "\u{FE0F}", ""])
  func `no name hides what stands beside it`(name: String) throws {
    let fields = "S 1 " + (0..<17).map { "\($0)" }.joined(separator: " ") + " 4711 0"
    let stat = try #require(ProcessStat("7 (\(name)) \(fields)"))

    #expect(Array(stat.name.utf8) == Array(name.utf8))
    #expect(stat.parent.rawValue == 1 && stat.startTicks == 4711 && !stat.hasEnded)
  }

  @Test(arguments: ["\u{301}", "\u{600}", "\r", "a\r"])
  func `a path is one by its bytes`(mark: String) throws {
    let line = "00400000-00401000 r-xp 00000000 08:01 42    /\(mark)x\(mark) (deleted)\n"
    let mapping = try #require(MemoryMapping.executable(inMaps: Array(line.utf8)).first)

    #expect(Array(mapping.path.utf8) == Array("/\(mark)x\(mark)".utf8))
    #expect(mapping.path.beginsWithBytes(of: "/"))
    #expect(Array(mapping.path.lastPathComponent.utf8) == Array("\(mark)x\(mark)".utf8))
  }
}
