import Comparison
import SeededRandom

/// Runs drawn from known shares, the same ones in every test run.
struct Draw {
  private var numbers: SplitMix

  init(seed: UInt64) { numbers = SplitMix(state: seed) }

  mutating func next() -> UInt64 { numbers.next() }

  private mutating func unit() -> Double { Double(next() >> 11) / Double(1 << 53) }

  /// A normal deviate, as the sum of twelve uniform ones.
  mutating func normal() -> Double { (0..<12).reduce(-6.0) { sum, _ in sum + unit() } }

  /// `samples` samples over functions of these weights.
  mutating func run(_ weights: [Double], samples: Int) -> FunctionCosts {
    let sum = weights.reduce(0, +)
    var counts = [UInt64](repeating: 0, count: weights.count)
    for _ in 0..<samples {
      var place = unit() * sum
      var index = 0
      while index < weights.count - 1, place >= weights[index] {
        place -= weights[index]
        index += 1
      }
      counts[index] += 1
    }
    var costs = FunctionCosts()
    for (index, count) in counts.enumerated() where count > 0 {
      costs.add([key("main"), key("f\(index)")], count: count)
    }
    return costs
  }
}

func key(_ name: String) -> FunctionKey { FunctionKey(name: name, module: "bench") }
