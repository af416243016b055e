import Foundation
import Testing

/// A control group with a CPU limit, of whichever version has the controller; removed in the end, when it must be empty.
final class LimitedGroup {
  private let directory: String
  private let isVersion2: Bool

  init(quotaMicroseconds quota: Int, periodMicroseconds period: Int) throws {
    let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8).split(separator: "\n")
      .map { $0.split(separator: " ") }.filter { $0.count > 3 }
    let modern = mounts.first { $0[2] == "cgroup2" }.map { String($0[1]) }
    let name = "swprof-limit-\(UUID().uuidString)"
    let controllers = modern.flatMap { try? String(contentsOfFile: "\($0)/cgroup.controllers", encoding: .utf8) } ?? ""
    if let modern, controllers.split(whereSeparator: \.isWhitespace).contains("cpu") {
      isVersion2 = true
      directory = "\(modern)/\(name)"
      try Self.write("+cpu", to: "\(modern)/cgroup.subtree_control")
      try #require(mkdir(directory, 0o755) == 0)
      try Self.write("\(quota) \(period)", to: "\(directory)/cpu.max")
      return
    }
    let old = try #require(
      mounts.first { $0[2] == "cgroup" && $0[3].split(separator: ",").contains("cpu") }.map { String($0[1]) },
      "mount -t cgroup -o cpu none DIRECTORY")
    isVersion2 = false
    directory = "\(old)/\(name)"
    try #require(mkdir(directory, 0o755) == 0)
    try Self.write("\(period)", to: "\(directory)/cpu.cfs_period_us")
    try Self.write("\(quota)", to: "\(directory)/cpu.cfs_quota_us")
  }

  deinit {
    // Members that were killed may still be there for a moment.
    for _ in 0..<200 where rmdir(directory) != 0 { usleep(10_000) }
  }

  func add(_ process: Int32) throws { try Self.write("\(process)", to: "\(directory)/cgroup.procs") }

  /// For how long the group was throttled, all CPUs together.
  func throttledNanoseconds() throws -> Int {
    let text = try String(contentsOfFile: "\(directory)/cpu.stat", encoding: .utf8)
    let fields = text.split(whereSeparator: \.isWhitespace)
    let name = isVersion2 ? "throttled_usec" : "throttled_time"
    let value = try #require(zip(fields, fields.dropFirst()).first { $0.0 == name }.flatMap { Int($0.1) }, "\(text)")
    return isVersion2 ? value * 1000 : value
  }

  private static func write(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY)
    defer { close(descriptor) }
    try #require(descriptor >= 0 && Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count, "\(path)")
  }
}
