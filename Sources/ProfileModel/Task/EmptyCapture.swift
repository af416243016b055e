/// What is known of the listed targets of a capture that recorded nothing.
package struct EmptyCapture: Equatable, Sendable {
  /// What all targets have used of the CPU meanwhile, in ns; nil where they have ended.
  package var cpuNanoseconds: UInt64?
  /// Processes that targets have started and that were left out, with what they have used.
  package var leftOut: [Child]
  package var elapsedNanoseconds: UInt64
  package var frequencyHertz: Int?

  package struct Child: Equatable, Sendable {
    package let process: ProcessID
    package let name: String
    package let cpuNanoseconds: UInt64

    package init(process: ProcessID, name: String, cpuNanoseconds: UInt64) {
      self.process = process
      self.name = name
      self.cpuNanoseconds = cpuNanoseconds
    }
  }

  package init(
    cpuNanoseconds: UInt64?, leftOut: [Child] = [], elapsedNanoseconds: UInt64, frequencyHertz: Int? = nil
  ) {
    self.cpuNanoseconds = cpuNanoseconds
    self.leftOut = leftOut
    self.elapsedNanoseconds = elapsedNanoseconds
    self.frequencyHertz = frequencyHertz
  }

  /// A sentence for each thing that would help.
  package func advice(for kind: TaskKind) -> [String] {
    var sentences: [String] = []
    if let child = leftOut.max(by: { $0.cpuNanoseconds < $1.cpuNanoseconds }) {
      sentences.append(
        "\(leftOut.count == 1 ? "a child of the target was" : "\(leftOut.count) children of the target were")"
          + " left out by --no-include-children; \(child.name) (\(child.process)) used"
          + " \(TimeText.duration(nanoseconds: child.cpuNanoseconds)) of CPU")
    }
    guard let used = cpuNanoseconds else {
      return sentences + ["nothing was recorded: the target ended while the capture began"]
    }
    return sentences + [kind.words.emptyAdvice(self, used)]
  }
}
