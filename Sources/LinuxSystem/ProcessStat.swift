package import ProfileModel

/// The fields of proc_pid_stat(5) that tell processes apart.
package struct ProcessStat: Equatable, Sendable {
  /// Whether it is a zombie, or on its way out.
  package let hasEnded: Bool
  /// What it calls itself.
  package let name: String
  package let parent: ProcessID
  /// `starttime`, in clock ticks since boot.
  package let startTicks: UInt64

  /// - Returns: nil for text of another form.
  package init?(_ text: String) {
    // The name, field 2, may hold any bytes; state is field 3, ppid 4, starttime 22.
    let bytes = text.utf8
    guard let start = bytes.firstIndex(of: UInt8(ascii: "(")), let end = bytes.lastIndex(of: UInt8(ascii: ")")),
      start < end
    else { return nil }
    let fields = text[end...].fields(at: " ")
    guard fields.count > 20, let parent = Int32(fields[2]), let startTicks = UInt64(fields[20]) else { return nil }
    self.hasEnded = ["Z", "X", "x"].contains(fields[1])
    self.name = String(text[bytes.index(after: start)..<end])
    self.parent = ProcessID(rawValue: parent)
    self.startTicks = startTicks
  }
}
