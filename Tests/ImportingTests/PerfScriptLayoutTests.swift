import Foundation
import ProfileModel
import Testing

@testable import Importing

/// Texts as `perf script -F` prints them, by perf 6.1: fields are set in columns, and which are there is nowhere said.
@Suite struct PerfScriptLayoutTests {
  /// The threads of the samples, some with names that look like other fields.
  private static let threads: [(name: String, tid: Int32)] = [
    ("CPU 0/KVM", 12158), ("dd 77", 12157), ("cc", 12159), ("a: b", 12160), ("x 1.5:", 12161), ("add", 12162),
    ("worker 3", 12163), ("w", 12164),
  ]

  struct Fields: OptionSet, Sendable {
    let rawValue: Int
    static let name = Fields(rawValue: 1)
    static let pid = Fields(rawValue: 2)
    static let tid = Fields(rawValue: 4)
    static let cpu = Fields(rawValue: 8)
    static let misc = Fields(rawValue: 16)
    static let time = Fields(rawValue: 32)
    static let period = Fields(rawValue: 64)
    static let event = Fields(rawValue: 128)
    static let all = Fields(rawValue: 255)
  }

  enum Form: CaseIterable, Sendable {
    case stacks
    case stripped
    case oneFrame
  }

  private func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.utf8.count)) + text
  }

  /// What `process_event` of perf's builtin-script.c prints.
  private func text(_ fields: Fields, _ form: Form) -> String {
    var text = ""
    for (index, thread) in Self.threads.enumerated() {
      var line = ""
      if fields.contains(.name) { line += form == .oneFrame ? padded(thread.name, 16) + " " : thread.name + " " }
      if fields.isSuperset(of: [.pid, .tid]) {
        line += padded("4711", 7) + "/" + "\(thread.tid)".padding(toLength: 7, withPad: " ", startingAt: 0) + " "
      } else if fields.contains(.pid) {
        line += padded("4711", 7) + " "
      } else if fields.contains(.tid) {
        line += padded("\(thread.tid)", 7) + " "
      }
      if fields.contains(.cpu) { line += "[00\(index)] " }
      if fields.contains(.misc) { line += "U     " }
      if fields.contains(.time) { line += padded("1321.35370\(index): ", 14) }
      if fields.contains(.period) { line += padded("\(5_025_125 + index)", 10) + " " }
      if fields.contains(.event) { line += "cpu-clock: " }
      let address = padded(String(0x1270 + index, radix: 16), 16)
      switch form {
      case .oneFrame: text += line + " " + address + " spin+0x1 (/tmp/w)\n"
      case .stacks: text += line + "\n\t" + address + " spin+0x1 (/tmp/w)\n\t" + padded("12b3", 16) + " th (/tmp/w)\n\n"
      case .stripped:
        let first = String(line.drop { $0 == " " })
        text += first + "\n" + address.filter { $0 != " " } + " spin+0x1 (/tmp/w)\n12b3 th (/tmp/w)\n\n"
      }
    }
    return text
  }

  private func read(_ text: String) throws -> ImportedProfile { try PerfScriptReader.read(stream(text), file: "x") }

  @Test(arguments: 0...255)
  func `samples are read with any choice of fields`(choice: Int) throws {
    let fields = Fields(rawValue: choice)
    // The mode stands between the number and the time, and perf prints it nowhere else.
    guard !fields.contains(.misc) || fields.isSuperset(of: [.tid, .time]) else { return }
    for form in Form.allCases {
      // Without columns, nothing tells a number from the end of a name.
      if form == .stripped, !fields.contains(.time) || !fields.contains(.event) || !fields.contains(.tid) { continue }
      // A line without its first fields is a blank one.
      if form != .oneFrame, fields.isEmpty { continue }
      let imported = try read(text(fields, form))
      let profile = imported.profile

      #expect(imported.warnings.isEmpty, "\(form)")
      #expect(profile.total.count == UInt64(Self.threads.count), "\(form)")
      let leaves = Set(profile.values.map { profile.frames[profile.stacks.path(to: $0.stack).last ?? 0].address })
      #expect(leaves == Set(Self.threads.indices.map { UInt64(0x1270 + $0) }), "\(form)")
      let names = Set(profile.threads.map(\.name))
      let hasNumbers = !fields.isDisjoint(with: [.pid, .tid])
      if fields.contains(.name) {
        #expect(names == Set(Self.threads.map(\.name)), "\(form)")
      } else if hasNumbers {
        #expect(names.allSatisfy { $0.hasPrefix(":") }, "\(form)")
      }
      #expect(imported.hasThreads == (fields.contains(.name) || hasNumbers), "\(form)")
      if fields.contains(.tid) {
        #expect(Set(profile.threads.map(\.thread.rawValue)) == Set(Self.threads.map(\.tid)), "\(form)")
      }
      if fields.contains(.pid) { #expect(profile.threads.allSatisfy { $0.process.rawValue == 4711 }, "\(form)") }
      #expect((profile.timeline != nil) == fields.contains(.time), "\(form)")
      if fields.isSuperset(of: [.period, .event]) {
        #expect(profile.total.nanoseconds == UInt64(8 * 5_025_125 + 28), "\(form)")
        #expect(imported.amount == ImportedAmount(name: "cpu-clock", unit: "nanoseconds"), "\(form)")
      }
    }
  }

  @Test func `a sample of a thread with an empty name is one`() throws {
    let imported = try read(" \n\t            1270 spin\n\ncc \n\t            1271 spin\n\n")
    #expect(imported.profile.total.count == 2)
    #expect(Set(imported.profile.threads.map(\.name)) == ["[no name]", "cc"])
  }

  @Test func `a thread whose name begins as a comment is read`() throws {
    let imported = try read("# comment\n#\n#1 w 12166  1.000001: cycles: \n\t            1270 spin\n\n")
    #expect(imported.profile.threads.map(\.name) == ["#1 w"])
  }

  @Test func `an address beside the event is no frame`() throws {
    let text =
      "dd 22761  2562.745342: page-faults:     7f0000001000\n\t            11b1 spin\n\t            129d th\n\n"
    #expect(stacks(try read(text).profile) == [["th", "spin"]: 1])
    let beside = "dd 22761  2562.745342: page-faults:     7f0000001000             11b1 spin (/w)\n"
    #expect(stacks(try read(beside + beside).profile) == [["spin"]: 2])
  }

  @Test func `text behind a tracepoint is no frame`() throws {
    let imported = try read(
      "dd 22761 [001] 2562.745342: sched:sched_switch: add prev_comm=dd ==> next_comm=x\n\t            11b1 f\n\n")
    #expect(stacks(imported.profile) == [["f"]: 1])
  }

  @Test func `perf itself agrees on every sample, thread and stack`() throws {
    let folder = NSTemporaryDirectory() + "/swprof-perf-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func shell(_ line: String) throws -> String {
      let process = Process()
      process.executableURL = URL(filePath: "/bin/bash")
      process.arguments = ["-c", line]
      process.currentDirectoryURL = URL(filePath: folder)
      let pipe = Pipe()
      process.standardOutput = pipe
      process.standardError = FileHandle.nullDevice
      try process.run()
      let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      try #require(process.terminationStatus == 0, "'\(line)'; apt-get install linux-perf, and run as root")
      return String(decoding: data, as: UTF8.self)
    }
    _ = try shell(
      "perf record -q -g --sample-cpu -e cpu-clock -F 499 -o p.data -- bash -c 'for i in {1..60000}; do :; done; (for i in {1..60000}; do :; done) & wait'"
    )
    // One number and one address a sample, and nothing that needs a reader.
    let leaves = try shell("perf script -i p.data -G -F tid,ip").split(separator: "\n").map {
      $0.split(separator: " ").map(String.init)
    }
    let count = try shell("perf script -i p.data -G -F ip").split(separator: "\n").count
    try #require(count > 10)
    let threads = Dictionary(grouping: leaves.filter { $0.count == 2 }, by: { $0[0] }).mapValues(\.count)
    for fields in [
      "comm,pid,tid,cpu,time,period,event,ip,sym,dso", "comm,tid,ip,sym", "tid,time,ip",
      "comm,tid,period,ip,sym,symoff",
      "tid,event,ip,sym,dso", "pid,tid,cpu,ip,sym",
    ] {
      let imported = try read(shell("perf script -i p.data -F \(fields)"))
      #expect(imported.profile.total.count == UInt64(count), "\(fields)")
      #expect(imported.warnings.isEmpty, "\(fields)")
      let counts = imported.profile.values.reduce(into: [String: Int]()) { counts, value in
        counts["\(imported.profile.threads[value.thread].thread)", default: 0] += Int(value.weight.count)
      }
      #expect(counts == threads, "\(fields)")
    }
  }

  @Test func `any mutation of a file is a profile or an error`() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      var bytes = Array(text(Fields(rawValue: Int.random(in: 0...255, using: &generator)), .stacks).utf8.prefix(700))
      for _ in 0..<Int.random(in: 1...20, using: &generator) where !bytes.isEmpty {
        let place = bytes.indices.randomElement(using: &generator) ?? 0
        switch Int.random(in: 0...2, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
        case 1: bytes.remove(at: place)
        default: bytes.insert(Array(" \t\n0a:/[]().-+#\r".utf8).randomElement(using: &generator) ?? 0, at: place)
        }
      }
      guard let imported = try? PerfScriptReader.read(stream(bytes), file: "x") else { continue }
      #expect(imported.profile.values.allSatisfy { Int($0.stack) < imported.profile.stacks.nodes.count })
    }
  }
}
