import Comparison

/// Runs drawn from known shares, the same ones in every test run.
struct Draw {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

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
