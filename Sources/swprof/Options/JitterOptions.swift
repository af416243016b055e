import ArgumentParser
import ProfileModel

/// Whether the times of ticks are drawn at random.
struct JitterOptions: ParsableArguments {
  @Flag(
    help: """
      Sample at equal distances. A program that works in step with them shows wrong shares; by default, distances are \
      random.
      """)
  var noJitter = false

  func options(frequencyHertz: Int) -> OnCPUOptions {
    OnCPUOptions(frequencyHertz: frequencyHertz, hasJitter: !noJitter)
  }
}
