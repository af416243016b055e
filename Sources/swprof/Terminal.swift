import Glibc
import LinuxSystem
import Rendering

/// The three standard streams and what they lead to.
enum Terminal {
  /// Writes to standard output; a reader that went away ends the program quietly.
  static func print(_ text: String) throws {
    try write(Array(text.utf8), to: STDOUT_FILENO, name: "standard output")
  }

  /// Writes a line of diagnosis to standard error. There is nobody left to tell when that fails.
  ///
  /// Names from files and processes may be in it: what acts on a terminal is made visible.
  static func complain(_ sentence: String) {
    var line = "swprof: \(DisplayText.visible(sentence))\n"
    line.withUTF8 { text in _ = unsafe Glibc.write(STDERR_FILENO, text.baseAddress, text.count) }
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

  static func write(_ bytes: [UInt8], to descriptor: Int32, name: String) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      do {
        let count = try retryingOnInterrupt {
          unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        }
        rest = rest.dropFirst(count)
      } catch Errno.brokenPipe {
        throw QuietEnd()
      } catch {
        throw Failure("cannot write \(name): \(error)", .inputOutput)
      }
    }
  }

  /// The reader of standard output has gone: nothing is wrong, and nothing more is to be said.
  struct QuietEnd: Error {}
}

/// A line on the terminal that is written over and over; silent where standard error is none.
struct ProgressLine: ~Copyable {
  private let isShown: Bool
  private var isDirty = false

  init(_ verbosity: Verbosity) {
    isShown = verbosity != .quiet && Terminal.showsProgress(environment: Environment.variables)
  }

  mutating func show(_ text: String) {
    guard isShown else { return }
    write("\r\u{1B}[K\(text)")
    isDirty = true
  }

  mutating func clear() {
    guard isDirty else { return }
    write("\r\u{1B}[K")
    isDirty = false
  }

  private func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in _ = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
  }
}
