import CProbes

extension PythonOffsets {
  /// The offsets of 3.8 to 3.12, whose runtimes do not tell them; the same in each release of a minor version, by
  /// `offsetof` over the headers of 3.8.18, 3.9.18, 3.10.13, 3.11.7 and 3.12.1.
  init?(constantsOfMinor minor: Int) {
    self.init(minor: minor, objectHeader: 16)
    switch minor {
    case 8...10: setFrameObjects()
    case 11: setFrames311()
    case 12: setFrames312()
    default: return nil
    }
    kernel.state_interpreter = 16
    kernel.code_object_type = 8
    guard setSizes() else { return nil }
  }

  /// 3.8 to 3.10: each frame is an object.
  private mutating func setFrameObjects() {
    interpreters = 32
    threads = 8
    modules = minor == 8 ? 56 : 856
    kernel.state_thread = 176
    kernel.state_frame = 24
    kernel.frame_previous = 24
    kernel.frame_code = 32
    kernel.frame_position = minor == 10 ? 96 : 104
    kernel.position = UInt8(
      (minor == 10 ? SWPROF_PYTHON_POSITION_UNITS : SWPROF_PYTHON_POSITION_BYTES).rawValue)
    if minor == 10 {
      kernel.anchor = UInt8(SWPROF_PYTHON_ANCHOR_CFRAME.rawValue)
      kernel.state_cframe = 48
      kernel.cframe_previous = 8
    }
    // The state of the collector is the runtime's in 3.8, and the interpreter's from then on.
    kernel.interpreter_collecting = minor == 8 ? 0 : 816
    kernel.code_argument_count = 16
    kernel.code_keyword_count = 24
    kernel.code_flags = 36
    kernel.code_first_line = 40
    fileName = 104
    name = 112
    lineTable = 120
    textASCII = 48
    textOther = 72
  }

  private mutating func setFrames311() {
    interpreters = 40
    threads = 16
    modules = 888
    nativeThread = 160
    kernel.anchor = UInt8(SWPROF_PYTHON_ANCHOR_CFRAME.rawValue)
    kernel.position = UInt8(SWPROF_PYTHON_POSITION_POINTER.rawValue)
    kernel.state_thread = 152
    kernel.state_cframe = 56
    kernel.cframe_previous = 16
    kernel.cframe_frame = 8
    kernel.frame_previous = 48
    kernel.frame_code = 32
    kernel.frame_position = 56
    kernel.frame_entry = 68
    kernel.interpreter_collecting = 848
    kernel.code_argument_count = 56
    kernel.code_keyword_count = 64
    kernel.code_flags = 48
    kernel.code_first_line = 72
    kernel.code_bytecode = 184
    setNames()
    textASCII = 48
    textOther = 72
  }

  private mutating func setFrames312() {
    interpreters = 40
    threads = 72
    modules = 944
    nativeThread = 144
    kernel.anchor = UInt8(SWPROF_PYTHON_ANCHOR_SHIM.rawValue)
    kernel.position = UInt8(SWPROF_PYTHON_POSITION_POINTER.rawValue)
    kernel.shim_owner = 3
    kernel.other_shim_owner = 3
    kernel.state_thread = 136
    kernel.state_cframe = 56
    kernel.cframe_previous = 8
    kernel.frame_previous = 8
    kernel.frame_position = 56
    kernel.frame_owner = 70
    kernel.interpreter_collecting = 312
    kernel.code_argument_count = 52
    kernel.code_keyword_count = 60
    kernel.code_flags = 48
    kernel.code_first_line = 68
    kernel.code_bytecode = 192
    setNames()
  }

  private mutating func setNames() {
    fileName = 112
    name = 120
    qualifiedName = 128
    lineTable = 136
  }
}
