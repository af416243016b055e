#if canImport(Glibc)
  import Glibc
#endif

/// Student's t distribution.
enum StudentT {
  /// The probability of a value above `t`, with `freedom` degrees of freedom (more than 0).
  ///
  /// By the regularized incomplete beta function: P(T > t) = I_x(v/2, 1/2) / 2 with x = v / (v + t^2) for t >= 0
  /// (Abramowitz and Stegun, 26.7.1 and 26.5.27).
  static func upperTail(_ t: Double, freedom: Double) -> Double {
    guard t.isFinite else { return t > 0 ? 0 : 1 }
    let tail = regularizedBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return t >= 0 ? tail : 1 - tail
  }

  /// The value that is exceeded with probability `tail`, which lies between 0 and 1/2.
  static func quantile(upperTail tail: Double, freedom: Double) -> Double {
    var low = 0.0
    var high = 1.0
    while upperTail(high, freedom: freedom) > tail, high < 1e9 { high *= 2 }
    for _ in 0..<80 {
      let middle = (low + high) / 2
      if upperTail(middle, freedom: freedom) > tail { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// I_x(a, b), by its continued fraction (Abramowitz and Stegun, 26.5.8), which converges fast below the mean.
  static func regularizedBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    if x <= 0 { return 0 }
    if x >= 1 { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - regularizedBeta(1 - x, b, a) }
    let beta: Double = lgamma(a) + lgamma(b) - lgamma(a + b)
    let powers: Double = a * log(x) + b * log(1 - x)
    return exp(powers - beta - log(a)) * continuedFraction(x, a, b)
  }

  /// Lentz's method.
  private static func continuedFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let tiny = 1e-300
    func safe(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / safe(1 - (a + b) * x / (a + 1))
    var result = d
    for step in 1...500 {
      let m = Double(step)
      let end: Double = a + 2 * m
      let even: Double = m * (b - m) * x / ((end - 1) * end)
      d = 1 / safe(1 + even * d)
      c = safe(1 + even / c)
      result *= d * c
      let odd: Double = -(a + m) * (a + b + m) * x / (end * (end + 1))
      d = 1 / safe(1 + odd * d)
      c = safe(1 + odd / c)
      let change = d * c
      result *= change
      if abs(change - 1) < 1e-14 { break }
    }
    return result
  }
}
