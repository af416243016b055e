import ProfileModel
import Unwinding

/// The processes whose stacks are those of 32-bit code.
struct CompatProcesses {
  private var names: [ProcessID: String] = [:]
  private static let maximumCount = 1024

  /// Notes how a stack of a process ended.
  mutating func note(_ end: StackEnd, of process: ProcessID, _ name: @autoclosure () -> String) {
    guard end.isCompat, names[process] == nil, names.count < Self.maximumCount else { return }
    names[process] = name()
  }

  /// One sentence for all of them.
  var warnings: [String] {
    guard let first = names.min(by: { $0.key.rawValue < $1.key.rawValue }) else { return [] }
    let others = names.count == 1 ? "" : " and \(names.count - 1) more \(names.count == 2 ? "process" : "processes")"
    return [
      "'\(first.value)' (process \(first.key))\(others): 32-bit code, whose stacks are walked by frame pointers alone;"
        + " build it with -fno-omit-frame-pointer for whole ones"
    ]
  }
}
