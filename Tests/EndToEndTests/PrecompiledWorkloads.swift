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

  func put(_ program: String, _ name: String, _ options: [String]) throws {
    let file = file(name, options)
    if FileManager.default.fileExists(atPath: file) { return }
    try FileManager.default.copyItem(atPath: program, toPath: file)
  }

  /// Copies a program, as some tests change or delete theirs.
  func take(_ name: String, _ options: [String], as program: String) throws {
    try FileManager.default.copyItem(atPath: file(name, options), toPath: program)
  }

  private func file(_ name: String, _ options: [String]) -> String {
    let key = ([name] + options).joined(separator: " ").replacing("/", with: "_")
    return directory.appending(path: key).path
  }
}
