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

  @Test func `the state, the parent and the start are told behind any name`() {
    let fields = (["Z", "4"] + [String](repeating: "0", count: 17) + ["77", "0"]).joined(separator: " ")
    let stat = ProcessStat("7 (a) b (c) \(fields)")

    #expect(stat?.hasEnded == true)
    #expect(stat?.parent == ProcessID(rawValue: 4))
    #expect(stat?.startTicks == 77)
    #expect(ProcessStat("7 (a) Z x") == nil)
  }
}
