import Foundation

/// Workloads compiled on one machine for tests that run on another, which has no compiler; `SWPROF_WORKLOADS` names the
/// directory that holds them.
///
/// With `SWPROF_COMPILE_ONLY` set too, the tests fill the directory: each of them is cancelled at the first command that
/// it would run, by when it has compiled what it needs.
struct PrecompiledWorkloads {
  static let current = PrecompiledWorkloads(ProcessInfo.processInfo.environment)

  let isFilling: Bool
  private let directory: URL

  init?(_ environment: [String: String]) {
    guard let path = environment["SWPROF_WORKLOADS"] else { return nil }
    directory = URL(filePath: path)
    isFilling = environment["SWPROF_COMPILE_ONLY"] != nil
  }

  /// Keeps a program under the command that made it.
  func put(_ program: String, _ command: String) throws {
    let file = file(command)
    if FileManager.default.fileExists(atPath: file) { return }
    try FileManager.default.copyItem(atPath: program, toPath: file)
  }

  /// Copies a program, as some tests change or delete theirs.
  func take(_ command: String, as program: String) throws {
    // As a compiler does: a program of that name makes way.
    if FileManager.default.fileExists(atPath: program) { try FileManager.default.removeItem(atPath: program) }
    try FileManager.default.copyItem(atPath: file(command), toPath: program)
  }

  /// Keeps a file that a compiler made beside a program, or takes it.
  func carry(_ path: String, _ name: String) throws {
    if isFilling { try put(path, name) } else { try take(name, as: path) }
  }

  private func file(_ command: String) -> String {
    directory.appending(path: command.replacing("/", with: "_")).path
  }
}
