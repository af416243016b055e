import Glibc
import Importing
import LinuxSystem
import Pprof
import ProfileModel

/// Profiles of other programs, and of our own exports.
enum Imports {
  /// Reads a file, or standard input for `-`, in whatever format it is.
  static func read(_ path: String) throws -> ImportedProfile {
    let name = path == "-" ? "standard input" : path
    let file: OpenFile
    do { file = path == "-" ? OpenFile(adopting: dup(STDIN_FILENO)) : try OpenFile(path) } catch {
      throw Failure("cannot read '\(path)': \(error)", error == .accessDenied ? .notPermitted : .noInput)
    }
    var head: [UInt8] = []
    do { head = try prefix(of: file) } catch { throw Failure("cannot read '\(path)': \(error)", .inputOutput) }
    let stream = LineStream(file, name: name, prefix: head)
    switch ProfileFormat(startingWith: head) {
    case .folded: return try FoldedReader.read(stream, file: name)
    case .perfScript: return try PerfScriptReader.read(stream, file: name)
    case .pprof: return try pprof(head, rest: file, name: name)
    }
  }

  static func save(_ runs: [Profile], to path: String, frequencyHertz: Int) throws {
    let description = PprofDescription(
      kind: .onCPU, unit: TaskKind.onCPU.unit, hasThreads: true,
      periodNanoseconds: frequencyHertz > 0 ? 1_000_000_000 / UInt64(frequencyHertz) : nil)
    var file = try OutputFile(path, for: Caller.current)
    try file.commit(PprofWriter.render(runs, description))
  }

  /// Reads the rest of a pprof file, as far as the reader would take it.
  private static func pprof(_ head: [UInt8], rest file: borrowing OpenFile, name: String) throws -> ImportedProfile {
    let limits = PprofReader.Limits()
    var bytes = head
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while bytes.count <= limits.sizeBytes {
      let count: Int
      do {
        count = try retryingOnInterrupt { unsafe Glibc.read(file.descriptor, &chunk, chunk.count) }
      } catch { throw Failure("cannot read '\(name)': \(error)", .inputOutput) }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    do { return try PprofReader.read(bytes, limits: limits) } catch {
      throw Failure("'\(name)': \(error)", .malformedData)
    }
  }

  /// Enough of a file to tell its format, with as many reads as a pipe needs for it.
  private static func prefix(of file: OpenFile) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < 1 << 16 {
      let room = (1 << 16) - bytes.count
      var chunk = [UInt8](repeating: 0, count: room)
      let count = try retryingOnInterrupt { unsafe Glibc.read(file.descriptor, &chunk, room) }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return bytes
  }
}

extension ExitStatus {
  init(_ error: ImportError) {
    switch error {
    case .unreadable: self = .inputOutput
    case .noStacks, .tooLarge: self = .malformedData
    }
  }
}
