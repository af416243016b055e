import CProbes

/// What the frames of the threads of a runtime look like, before the type of their code objects is known.
struct PythonFirstSight {
  /// How many threads have a frame.
  private(set) var frames = 0
  /// The types of the objects in the place of the code, the most frequent first.
  let types: [UInt64]
  /// The type of the names of these objects, for each type of such objects.
  private let nameTypes: [UInt64: UInt64]

  private static let maximumThreads = 16
  private static let framesOfThread = 4

  init(_ threads: [PythonThread], _ offsets: PythonOffsets, in memory: some TargetMemory) {
    let kernel = offsets.kernel
    var counts: [UInt64: Int] = [:]
    var nameTypes: [UInt64: UInt64] = [:]
    for thread in threads.prefix(Self.maximumThreads) {
      var frame = PythonStack.leaf(ofState: thread.state, kernel, in: memory) ?? 0
      if frame != 0 { frames += 1 }
      for _ in 0..<Self.framesOfThread where frame != 0 {
        if let tagged: UInt64 = memory.value(at: frame &+ UInt64(kernel.frame_code)) {
          let code = tagged & ~UInt64(kernel.tag_mask)
          if let type: UInt64 = memory.value(at: code &+ UInt64(kernel.code_object_type)) {
            counts[type, default: 0] += 1
            if nameTypes[type] == nil, let name: UInt64 = memory.value(at: code &+ UInt64(offsets.name)) {
              nameTypes[type] = memory.value(at: name &+ UInt64(kernel.code_object_type))
            }
          }
        }
        frame = memory.value(at: frame &+ UInt64(kernel.frame_previous)) ?? 0
      }
    }
    self.nameTypes = nameTypes
    types = counts.sorted { ($0.value, $0.key) > ($1.value, $1.key) }.map(\.key)
  }

  /// `PyUnicode_Type`, the type of the names of code objects; nil if no frame has any.
  func textType(ofCodeType type: UInt64) -> UInt64? { nameTypes[type] }
}

extension PythonOffsets {
  /// Takes what the members of the type of code objects tell.
  ///
  /// - Returns: a member that contradicts what is known already, or is missing; nil if there is none.
  mutating func adopt(_ members: PythonMembers) -> String? {
    var known = [
      ("co_argcount", Int(kernel.code_argument_count)), ("co_firstlineno", Int(kernel.code_first_line)),
      ("co_filename", fileName), ("co_name", name), (minor < 10 ? "co_lnotab" : "co_linetable", lineTable),
    ]
    if let qualifiedName { known.append(("co_qualname", qualifiedName)) }
    for (name, offset) in known where members[name] != offset { return name }
    // `_Py_DebugOffsets` does not have these two.
    let untold = [("co_kwonlyargcount", \PythonOffsets.kernel.code_keyword_count), ("co_flags", \.kernel.code_flags)]
    for (name, field) in untold {
      guard let offset = members[name], (1..<512).contains(offset) else { return name }
      guard self[keyPath: field] == 0 || Int(self[keyPath: field]) == offset else { return name }
      self[keyPath: field] = UInt16(offset)
    }
    return nil
  }
}
