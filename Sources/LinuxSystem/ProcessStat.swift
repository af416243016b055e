package import ProfileModel

/// The fields of proc_pid_stat(5) that tell processes apart.
package struct ProcessStat: Equatable, Sendable {
  /// Whether it is a zombie, or on its way out.
  package let hasEnded: Bool
  package let parent: ProcessID
  /// `starttime`, in clock ticks since boot.
  package let startTicks: UInt64

  /// - Returns: nil for text of another form.
  package init?(_ text: String) {
    // The name, field 2, may hold spaces and parentheses; state is field 3, ppid 4, starttime 22.
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[end...].split(separator: " ")
    guard fields.count > 20, let parent = Int32(fields[2]), let startTicks = UInt64(fields[20]) else { return nil }
    self.hasEnded = ["Z", "X", "x"].contains(fields[1])
    self.parent = ProcessID(rawValue: parent)
    self.startTicks = startTicks
  }
}
