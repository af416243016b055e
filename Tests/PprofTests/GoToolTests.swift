import Foundation
import ProfileModel
import Rendering
import Testing

@testable import Pprof

/// What the reader of the format's authors makes of our files.
@Suite struct GoToolTests {
  /// The rows of `go tool pprof -top`: a function's own and total number.
  private func top(_ profile: Profile, sampleType: String) throws -> [String: [UInt64]] {
    let file = FileManager.default.temporaryDirectory.appending(path: "swprof-\(UUID()).pb.gz")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(PprofWriter.render(Sample.task, profile)).write(to: file)
    let output = try go([
      "-top", "-nodecount=100000", "-nodefraction=0", "-sample_index=\(sampleType)", "-unit=minimum", file.path,
    ])
    var rows: [String: [UInt64]] = [:]
    // flat flat% sum% cum cum% name
    for line in output.split(separator: "\n") {
      let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
      guard fields.count == 6, let own = UInt64(fields[0]), let total = UInt64(fields[3]) else { continue }
      rows[String(fields[5].drop { $0 == " " })] = [own, total]
    }
    return rows
  }

  /// What a run prints; it may have nothing to complain of.
  private func go(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["go", "tool", "pprof"] + arguments
    // Nothing of the machine's own files may name the addresses of the sample.
    process.environment = ProcessInfo.processInfo.environment.merging(["PPROF_BINARY_PATH": "/nonexistent"]) { $1 }
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "install golang-go: \(complaints)")
    #expect(complaints == "")
    return text
  }

  /// The stacks of the sample whose names fit into a line of a table.
  private var plain: Profile {
    var selection = ProfileSelection()
    selection.ignore = { $0.origin == .jit }
    return selection.apply(to: Sample.profile)
  }

  @Test func `each function weighs what it weighs for us`() throws {
    let rows = try top(plain, sampleType: "samples")
    let functions = FunctionTotals(plain).functions
    #expect(rows.count == functions.count)
    for function in functions {
      let name = function.name + (inlined.contains(function.name) ? " (inline)" : "")
      #expect(rows[name] == [function.own, function.total], "\(name)")
    }
  }

  /// Of these, the tool says so behind their names.
  private var inlined: Set<String> { Set(plain.frames.filter(\.isInlined).map(\.function)) }

  @Test func `hostile names are carried`() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "swprof-\(UUID()).pb.gz")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(PprofWriter.render(Sample.task, Sample.profile)).write(to: file)
    let raw = try go(["-raw", file.path])
    #expect(raw.contains("Samples:\nsamples/count cpu/nanoseconds\n"))
    #expect(raw.contains("LazyCompile:~<run>&\"]]>' [u8; 8]\n\u{1B}[31m"))
    #expect(raw.contains("/opt/bench/bin/bench 0123456789abcdef0123456789abcdef01234567 [FN][FL][LN][IN]"))
    #expect(raw.contains("swprof oncpu: pid 100 (bench)"))
  }
}
