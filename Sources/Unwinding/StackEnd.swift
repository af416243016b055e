/// How the walk of a stack ended (`enum swprof_stack_end`).
package enum StackEnd: UInt8, Sendable, CaseIterable {
  case none = 0
  case complete = 1
  case tooDeep = 2
  case unreadable = 3
  case noFramePointer = 4
  case unmapped = 5
  case unsupported = 6
  case corrupt = 7
  case notReady = 8
  case doubted = 9
  case compat = 16
  case compatWhole = 17
}
