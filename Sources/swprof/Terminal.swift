import Glibc
import LinuxSystem
import Rendering

/// The three standard streams and what they lead to.
enum Terminal {
  static func print(_ text: String) throws { try print(Array(text.utf8)) }

  /// Writes a line of diagnosis to standard error. There is nobody left to tell when that fails.
  ///
  /// Names from files and processes may be in it: what acts on a terminal is made visible.
  static func complain(_ sentence: String) {
    let line = "swprof: \(DisplayText.visible(sentence))\n"
    do { try Descriptor.write(Array(line.utf8), to: STDERR_FILENO) } catch {}
  }

  /// Whether both streams lead to a terminal.
  static var isSeen: Bool { isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

  static var isOutputTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// Whether a line that is written over and over makes sense: on a terminal, where a person looks at it and no CI.
  static func showsProgress(environment: [String: String]) -> Bool {
    isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb" && (environment["CI"] ?? "").isEmpty
  }

  /// Whether standard output takes colors: a terminal, and no NO_COLOR (no-color.org).
  static func isColored(environment: [String: String]) -> Bool {
    isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
  }

  /// Writes to standard output; a reader that went away ends the program quietly.
  static func print(_ bytes: [UInt8]) throws {
    do { try Descriptor.write(bytes, to: STDOUT_FILENO) } catch Errno.brokenPipe { throw QuietEnd() } catch {
      throw Failure("cannot write standard output: \(error)", .inputOutput)
    }
  }

  /// The reader of standard output has gone: nothing is wrong, and nothing more is to be said.
  struct QuietEnd: Error {}
}

/// A line on the terminal that is written over and over; silent where standard error is none.
final class ProgressLine {
  private let isShown: Bool
  private var isDirty = false

  init(_ verbosity: Verbosity) {
    isShown = verbosity != .quiet && Terminal.showsProgress(environment: Environment.variables)
  }

  func show(_ text: String) {
    guard isShown else { return }
    write("\r\u{1B}[K\(text)")
    isDirty = true
  }

  func clear() {
    guard isDirty else { return }
    write("\r\u{1B}[K")
    isDirty = false
  }

  private func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in _ = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
  }
}
