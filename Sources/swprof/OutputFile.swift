import Glibc
import LinuxSystem

/// A file that results go to: complete under its name, or not there at all.
///
/// Regular files are written beside their place and renamed; devices and pipes are written as they are.
struct OutputFile: ~Copyable {
  private let path: String
  private let file: OpenFile
  /// Where the bytes lie until the rename; nil when they go straight to `path`.
  private var temporaryPath: String?

  /// Creates the file, so that what cannot be written is known before there is anything to write.
  init(_ path: String) throws {
    self.path = path
    var status = stat()
    if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      do { file = try OpenFile(path, flags: O_WRONLY) } catch {
        throw Failure("cannot write '\(path)': \(error)", .cannotCreate)
      }
      return
    }
    let temporary = "\(path).\(getpid()).partial"
    do { file = try OpenFile(temporary, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644) } catch {
      throw Failure("cannot create '\(path)': \(error); choose another -o", .cannotCreate)
    }
    temporaryPath = temporary
  }

  deinit {
    if let temporaryPath { unsafe unlink(temporaryPath) }
  }

  /// Writes the whole content and puts the file in its place.
  mutating func commit(_ bytes: [UInt8]) throws {
    try Terminal.write(bytes, to: file.descriptor, name: "'\(path)'")
    guard let temporary = temporaryPath else { return }
    guard unsafe rename(temporary, path) == 0 else {
      throw Failure("cannot put '\(path)' in its place: \(Errno.last)", .cannotCreate)
    }
    temporaryPath = nil
  }
}

/// Standard output, or a file.
enum OutputSink: ~Copyable {
  case standardOutput
  case file(OutputFile)

  init(_ path: String?) throws {
    if let path, path != "-" { self = .file(try OutputFile(path)) } else { self = .standardOutput }
  }

  mutating func write(_ text: String) throws { try write(Array(text.utf8)) }

  mutating func write(_ bytes: [UInt8]) throws {
    switch consume self {
    case .standardOutput:
      self = .standardOutput
      try Terminal.write(bytes, to: STDOUT_FILENO, name: "standard output")
    case .file(var file):
      let result = Result { try file.commit(bytes) }
      self = .file(file)
      try result.get()
    }
  }
}
