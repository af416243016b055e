import Glibc
import LinuxSystem

/// Standard output, or a file.
enum OutputSink: ~Copyable {
  case standardOutput
  case file(OutputFile)

  init(_ path: String?) throws {
    // `/dev/stdout` may lead to a regular file, which only its descriptor can go on writing.
    if let path, path != "-", path != "/dev/stdout" {
      self = .file(try OutputFile(path, for: Caller.current))
    } else {
      self = .standardOutput
    }
  }

  mutating func write(_ text: String) throws { try write(Array(text.utf8)) }

  mutating func write(_ bytes: [UInt8]) throws {
    switch consume self {
    case .standardOutput:
      self = .standardOutput
      try Terminal.print(bytes)
    case .file(var file):
      let result = Result { try file.commit(bytes) }
      self = .file(file)
      do { try result.get() } catch OutputFileError.cannotWrite(_, Errno.brokenPipe) { throw Terminal.QuietEnd() }
    }
  }
}
