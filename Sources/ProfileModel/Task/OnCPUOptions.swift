/// How an on-CPU capture was asked for.
package struct OnCPUOptions: Equatable, Sendable {
  /// Ticks a second and CPU, on average.
  package var frequencyHertz: Int
  /// Whether the times of ticks are drawn at random, by another seed for each capture.
  package var hasJitter: Bool

  package init(frequencyHertz: Int = 99, hasJitter: Bool = true) {
    self.frequencyHertz = frequencyHertz
    self.hasJitter = hasJitter
  }

  /// Draws what the times of ticks are drawn by; nil for ticks at a fixed rate.
  package func drawSeed() -> UInt32? { hasJitter ? .random(in: .min ... .max) : nil }
}
