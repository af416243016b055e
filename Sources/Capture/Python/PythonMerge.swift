import CProbes

/// Puts the Python frames of a stack where they ran among its native ones.
enum PythonMerge {
  /// The words of a user stack from leaf to root, as `UserFrames` reads them.
  ///
  /// A run of Python frames comes before the native frame of the eval loop that ran it, and behind what it has called. A
  /// run whose loop is not among the native frames, and all runs behind it, come behind all native frames and a mark.
  /// Any words can be merged.
  ///
  /// - Parameters:
  ///   - native: from leaf to root; the first is an instruction pointer.
  ///   - python: records from leaf to root (`python.h`).
  /// - Complexity: O(words).
  static func merge(_ native: [UInt64], _ python: [UInt64]) -> [UInt64] {
    guard !python.isEmpty else { return native }
    var merged: [UInt64] = []
    merged.reserveCapacity(native.count + python.count * 3 / 2 + 1)
    var run = PythonRun()
    var next = 0
    var isDetached = false
    for record in PythonRecord.all(in: python) {
      switch record {
      case .frame(let code, let place): run.add(code: code, place: place)
      case .truncated: run.add(mark: SWPROF_FRAME_PYTHON_TRUNCATED)
      case .unreadable: run.add(mark: SWPROF_FRAME_PYTHON_UNREADABLE)
      case .collecting: merged.append(UInt64(SWPROF_FRAME_PYTHON_COLLECTING))
      case .nameWord(let word): run.add(nameWord: word)
      case .task(let name): run.endTask(name: name)
      case .waiters(let count): run.endTasks([count, UInt64(SWPROF_FRAME_PYTHON_WAITERS)])
      case .tasksCut: run.endTasks([UInt64(SWPROF_FRAME_PYTHON_TASKS_CUT)])
      case .boundary(let natives?) where !isDetached && next < natives && natives <= native.count:
        append(native[next..<natives - 1], to: &merged)
        merged += run.take()
        append(native[natives - 1..<natives], to: &merged)
        next = natives
      case .boundary: isDetached = true
      }
    }
    append(native[next...], to: &merged)
    let rest = run.take()
    guard !rest.isEmpty else { return merged }
    if !native.isEmpty { merged.append(UInt64(SWPROF_FRAME_PYTHON_NOT_MERGED)) }
    return merged + rest
  }

  /// Appends native frames. An instruction pointer that is not the leaf any more is given as the kernel gives that of
  /// an interrupted frame: one less leads to it.
  private static func append(_ frames: ArraySlice<UInt64>, to merged: inout [UInt64]) {
    let isLeafCovered = frames.startIndex == 0 && !merged.isEmpty
    let position = merged.count
    merged += frames
    if isLeafCovered, !frames.isEmpty { merged[position] &+= 1 }
  }
}
