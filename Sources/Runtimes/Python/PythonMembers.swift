import ELF

/// The members that a type of CPython declares (`tp_members`, CPython's Include/cpython/object.h), by name.
struct PythonMembers {
  private var offsets: [String: Int] = [:]

  private static let maximumMembers = 40
  /// Of a `PyMemberDef`: name, type, offset, flags, documentation.
  private static let memberSize = 40
  private static let longestName = 20
  /// Of the head of an object of fixed size to `tp_members`, and to `tp_name`.
  private static let members = 224
  private static let name = 8

  /// - Returns: nil for memory that is not that of a type with a certain name.
  init?(ofType type: UInt64, named wanted: String, _ layout: PythonOffsets, in memory: some TargetMemory) {
    let head = UInt64(layout.objectHeader)
    guard let name: UInt64 = memory.value(at: type &+ head &+ UInt64(Self.name)),
      memory.bytes(at: name, count: wanted.utf8.count + 1) == Array(wanted.utf8) + [0],
      var entry: UInt64 = memory.value(at: type &+ head &+ UInt64(Self.members))
    else { return nil }
    for _ in 0..<Self.maximumMembers {
      guard let member = memory.bytes(at: entry, count: Self.memberSize) else { return nil }
      let name: UInt64 = member.integer(at: 0)
      if name == 0 { return }
      if let text = memory.bytes(at: name, count: Self.longestName) {
        offsets[String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)] = Int(
          truncatingIfNeeded: member.integer(at: 16, as: UInt64.self))
      }
      entry &+= UInt64(Self.memberSize)
    }
    return nil
  }

  subscript(_ name: String) -> Int? { offsets[name] }
}
