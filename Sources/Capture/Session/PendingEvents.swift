import LinuxSystem
import ProfileModel

/// What has happened in the followed processes and is still to be applied in the order of time.
struct PendingEvents {
  private var sideband: [SidebandRecord] = []
  private var codes: [PythonCodeCopy] = []
  private var nextSideband = 0
  private var nextCode = 0

  var isEmpty: Bool { sideband.isEmpty && codes.isEmpty }

  mutating func append(_ record: SidebandRecord) { sideband.append(record) }

  mutating func append(_ copy: PythonCodeCopy) { codes.append(copy) }

  mutating func sort() {
    sideband.sort { $0.time < $1.time }
    codes.sort { $0.time < $1.time }
  }

  /// Applies what has happened up to a time, in the order in which it was sorted.
  mutating func apply(
    through time: MonotonicTime, _ pythons: borrowing PythonPublisher, to tracker: inout ProcessTracker
  ) {
    while true {
      let record = nextSideband < sideband.count ? sideband[nextSideband].time : nil
      let copy = nextCode < codes.count ? codes[nextCode].time : nil
      if let copy, copy <= time, copy <= record ?? copy {
        let code = codes[nextCode]
        if let known = pythons.decode(code) {
          tracker.pythonNames.learn(
            known, of: code.process, start: tracker.space(of: code.process)?.programStart ?? 0, at: code.code,
            cookie: code.cookie)
        }
        nextCode += 1
      } else if let record, record <= time {
        tracker.apply(sideband[nextSideband])
        nextSideband += 1
      } else {
        return
      }
    }
  }

  /// Forgets what was applied.
  mutating func removeApplied() {
    sideband.removeFirst(nextSideband)
    codes.removeFirst(nextCode)
    (nextSideband, nextCode) = (0, 0)
  }
}
