import CProbes
import ELF

/// The Python frames of a thread, in the form in which the kernel records them, from leaf to root.
///
/// The same walk as that of the kernel side, over the same offsets, without boundaries: those need a native stack.
package struct PythonStack: Equatable {
  /// Two words: a frame or a mark (`enum swprof_python_mark`).
  package struct Record: Equatable {
    package let first: UInt64
    package let second: UInt64
  }

  package private(set) var records: [Record] = []

  /// Walks the frames of the thread that a thread pointer belongs to; nil for a thread without Python.
  package init?(threadPointer: UInt64, of runtime: PythonRuntime, in memory: some TargetMemory) {
    let layout = runtime.layout
    func belongs(_ state: UInt64) -> Bool {
      state != 0 && memory.value(at: state &+ UInt64(layout.state_thread)) == threadPointer
    }
    // To 3.11 the slot keeps the state of the first interpreter that a thread has run in.
    if layout.current_state != 0, let current: UInt64 = memory.value(at: layout.current_state), belongs(current) {
      self.init(state: current, of: runtime, in: memory)
    } else if let state = runtime.path.value(from: threadPointer, in: memory), belongs(state) {
      self.init(state: state, of: runtime, in: memory)
    } else {
      return nil
    }
  }

  /// Walks the frames of a thread by its state.
  package init(state: UInt64, of runtime: PythonRuntime, in memory: some TargetMemory) {
    if let mark = walk(state, runtime.layout, in: memory) {
      records.append(Record(first: UInt64(mark.rawValue), second: 0))
    }
  }

  /// - Returns: why the walk ended early; nil if it got to the root.
  private mutating func walk(
    _ state: UInt64, _ layout: swprof_python, in memory: some TargetMemory
  ) -> swprof_python_mark? {
    guard var address = Self.leaf(ofState: state, layout, in: memory) else { return SWPROF_PYTHON_UNREADABLE }
    let base = layout.state_base_frame == 0 ? 0 : state &+ UInt64(layout.state_base_frame)
    var isLeaf = true
    for _ in 0..<Self.maximumSteps where address != base {
      guard address != 0 else { return SWPROF_PYTHON_TRUNCATED }
      guard let frame = memory.bytes(at: address, count: Int(layout.frame_size)) else {
        return SWPROF_PYTHON_UNREADABLE
      }
      if !isShim(frame, layout) {
        guard records.count < SWPROF_PYTHON_FRAMES_MAX else { return SWPROF_PYTHON_TRUNCATED }
        let code = frame.integer(at: Int(layout.frame_code), as: UInt64.self) & ~UInt64(layout.tag_mask)
        switch record(frame, code: code, layout, in: memory) {
        case .frame(let record): records.append(record)
        // The frame that is being pushed or popped is half written.
        case .noCode where isLeaf, .unreadable where isLeaf: break
        case .noCode: return SWPROF_PYTHON_NO_CODE
        case .unreadable: return SWPROF_PYTHON_UNREADABLE
        }
        isLeaf = false
      }
      address = frame.integer(at: Int(layout.frame_previous))
    }
    return address == base ? nil : SWPROF_PYTHON_TRUNCATED
  }

  /// Each frame may have an entry frame beside it.
  private static let maximumSteps = 2 * Int(SWPROF_PYTHON_FRAMES_MAX) + 1

  /// The frame that a thread executes; nil where it cannot be read, 0 where there is none.
  static func leaf(ofState state: UInt64, _ layout: swprof_python, in memory: some TargetMemory) -> UInt64? {
    // To 3.10 the C frame tells runs apart only, and since 3.13 there is none.
    guard layout.state_frame == 0 else { return memory.value(at: state &+ UInt64(layout.state_frame)) }
    guard let frame: UInt64 = memory.value(at: state &+ UInt64(layout.state_cframe)) else { return nil }
    return frame == 0 ? 0 : memory.value(at: frame &+ UInt64(layout.cframe_frame))
  }

  private func isShim(_ frame: [UInt8], _ layout: swprof_python) -> Bool {
    guard layout.anchor == SWPROF_PYTHON_ANCHOR_SHIM.rawValue else { return false }
    let owner = frame[Int(layout.frame_owner)]
    return owner == layout.shim_owner || owner == layout.other_shim_owner
  }

  private enum Reading {
    case frame(Record)
    case noCode
    case unreadable
  }

  private func record(
    _ frame: [UInt8], code: UInt64, _ layout: swprof_python, in memory: some TargetMemory
  ) -> Reading {
    guard code != 0 else { return .noCode }
    guard let head = memory.bytes(at: code, count: Int(layout.code_size)) else { return .unreadable }
    guard head.integer(at: Int(layout.code_object_type), as: UInt64.self) == layout.code_type else { return .noCode }
    let cookie = PythonCode.cookie(head, layout)
    let unit = Self.unit(frame, code: code, layout)
    return .frame(Record(first: code, second: UInt64(cookie) << 32 | UInt64(unit)))
  }

  /// The unit of the bytecode that a frame executes.
  private static func unit(_ frame: [UInt8], code: UInt64, _ layout: swprof_python) -> UInt32 {
    let place = Int(layout.frame_position)
    let none: UInt32 = .max
    if layout.position == SWPROF_PYTHON_POSITION_POINTER.rawValue {
      let start = code &+ UInt64(layout.code_bytecode)
      let instruction: UInt64 = frame.integer(at: place)
      return instruction >= start ? UInt32(truncatingIfNeeded: (instruction &- start) / 2) : none
    }
    let index: Int32 = frame.integer(at: place)
    guard index >= 0 else { return none }
    return UInt32(layout.position == SWPROF_PYTHON_POSITION_BYTES.rawValue ? index / 2 : index)
  }
}
