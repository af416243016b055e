#if canImport(Glibc)
  import Glibc
#endif

/// Whether a run as a whole costs more than before: Welch's t on the logarithms of the runs' costs.
package struct TotalTest: Sendable, Equatable {
  /// The geometric means of the runs, in the unit of the input.
  package let base: Double
  package let new: Double
  /// New over base, less 1.
  package let growth: Double
  /// The probability of as much growth without a change.
  package let p: Double
  /// The smallest growth that would be found in four cases of five.
  package let detectable: Double

  /// The runs that each side needs.
  package static let minimumRuns = 4

  /// - Parameters:
  ///   - base: the cost of each run before the change, more than 0.
  ///   - new: the cost of each run after it.
  /// - Returns: nil where there are fewer than `minimumRuns` on a side.
  package init?(base: [Double], new: [Double], alpha: Double) {
    guard base.count >= Self.minimumRuns, new.count >= Self.minimumRuns, (base + new).allSatisfy({ $0 > 0 }) else {
      return nil
    }
    let before = Moments(base.map { log($0) })
    let after = Moments(new.map { log($0) })
    // Runs that are equal to the last sample would make any difference sure.
    let error = max(1e-12, before.squaredError + after.squaredError)
    let freedom =
      error * error
      / max(
        1e-24,
        before.squaredError * before.squaredError / before.freedom
          + after.squaredError * after.squaredError / after.freedom)
    let deviation = error.squareRoot()
    let degrees = max(1, min(freedom, before.freedom + after.freedom))
    self.base = exp(before.mean)
    self.new = exp(after.mean)
    growth = exp(after.mean - before.mean) - 1
    p = StudentT.upperTail((after.mean - before.mean) / deviation, freedom: degrees)
    detectable =
      exp(
        (StudentT.quantile(upperTail: alpha, freedom: degrees) + StudentT.quantile(upperTail: 0.2, freedom: degrees))
          * deviation) - 1
  }

  private struct Moments {
    let mean: Double
    /// The variance of the mean.
    let squaredError: Double
    let freedom: Double

    init(_ values: [Double]) {
      let count = Double(values.count)
      let mean = values.reduce(0, +) / count
      self.mean = mean
      squaredError = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1) / count
      freedom = count - 1
    }
  }
}
