import BPF

/// A map that the objects of on-CPU and off-CPU profiling have alike.
///
/// Each name is taken from both objects: the build fails if one of them loses the map.
struct SharedMap: MapName {
  static let targets = SharedMap(.targets, .targets)
  static let cgroups = SharedMap(.cgroups, .cgroups)
  static let counters = SharedMap(.counters, .counters)
  static let programStarts = SharedMap(.programStarts, .programStarts)
  static let codeMaps = SharedMap(.codeMaps, .codeMaps)
  static let codeMapEdition = SharedMap(.codeMapEdition, .codeMapEdition)
  static let codeFiles = SharedMap(.codeFiles, .codeFiles)
  static let unwindChunks = SharedMap(.unwindChunks, .unwindChunks)
  static let pythons = SharedMap(.pythons, .pythons)
  static let pythonCodes = SharedMap(.pythonCodes, .pythonCodes)
  static let pythonSwitch = SharedMap(.pythonSwitch, .pythonSwitch)

  let rawValue: String

  private init(_ onCPU: OnCPUMap, _ offCPU: OffCPUMap) {
    precondition(onCPU.rawValue == offCPU.rawValue, "a shared map has one name")
    rawValue = onCPU.rawValue
  }
}

/// A program that the objects of on-CPU and off-CPU profiling have alike.
struct SharedProgram: ProgramName, Equatable {
  static let processFork = SharedProgram(.processFork, .processFork)
  static let processExec = SharedProgram(.processExec, .processExec)
  static let processExit = SharedProgram(.processExit, .processExit)
  static let processRename = SharedProgram(.processRename, .processRename)

  /// The programs that follow processes as they begin and end.
  static let lifecycle = [processFork, processExec, processExit, processRename]

  let rawValue: String

  private init(_ onCPU: OnCPUProgram, _ offCPU: OffCPUProgram) {
    precondition(onCPU.rawValue == offCPU.rawValue, "a shared program has one name")
    rawValue = onCPU.rawValue
  }
}

/// The constants that the objects of on-CPU and off-CPU profiling have alike.
struct SharedConstants: ConstantsName {
  static let config = SharedConstants(.config, .config)

  let rawValue: String

  private init(_ onCPU: OnCPUConstants, _ offCPU: OffCPUConstants) {
    precondition(onCPU.rawValue == offCPU.rawValue, "shared constants have one name")
    rawValue = onCPU.rawValue
  }
}
