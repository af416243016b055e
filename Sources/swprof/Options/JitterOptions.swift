import ArgumentParser

/// Whether the times of ticks are drawn at random.
struct JitterOptions: ParsableArguments {
  @Flag(
    help: """
      Sample at equal distances. A program that works in step with them shows wrong shares; by default, distances are \
      random.
      """)
  var noJitter = false

  /// What the times of ticks are drawn by, another one for each capture; nil for ticks at a fixed rate.
  var seed: UInt32? { noJitter ? nil : .random(in: .min ... .max) }
}
