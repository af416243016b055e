import Testing

@testable import Comparison

@Suite struct TotalTestTests {
  @Test func `runs that take a fifth longer are found, and by how much`() throws {
    let test = try #require(
      TotalTest(base: [100, 101, 99, 102, 98], new: [120, 121, 119, 122, 118], alpha: 0.01))

    #expect(abs(test.growth - 0.2) < 0.001)
    #expect(test.p < 0.001)
    #expect(test.detectable < 0.1)
  }

  @Test func `equal runs are no growth, and noisy ones hide much`() throws {
    let test = try #require(TotalTest(base: [100, 130, 80, 110], new: [90, 120, 125, 85], alpha: 0.01))

    #expect(test.p > 0.3)
    #expect(test.detectable > 0.5)
  }

  /// By hand: logarithms 0 and 0.1 on either side have the variance 0.00333 and a mean's of 0.000833; the difference of
  /// 0.1 is t = 2.449 with 6 degrees of freedom, which has the upper tail 0.0249.
  @Test func `the probability is that of Welch's test`() throws {
    func runs(_ logarithms: [Double]) -> [Double] { logarithms.map { 2.718281828459045.power($0) } }
    let test = try #require(
      TotalTest(base: runs([0, 0, 0.1, 0.1]), new: runs([0.1, 0.1, 0.2, 0.2]), alpha: 0.01))

    #expect(abs(test.p - 0.0249) < 0.0003)
  }

  @Test func `fewer than four runs on a side are no test`() {
    #expect(TotalTest(base: [1, 2, 3], new: [1, 2, 3, 4], alpha: 0.01) == nil)
    #expect(TotalTest(base: [1, 2, 3, 0], new: [1, 2, 3, 4], alpha: 0.01) == nil)
  }

  @Test func `runs without any spread are no error`() throws {
    let test = try #require(TotalTest(base: [5, 5, 5, 5], new: [5, 5, 5, 5], alpha: 0.01))
    #expect(test.growth == 0)
    #expect(abs(test.p - 0.5) < 1e-9)
  }
}

extension Double {
  /// By the series of the exponential function of `exponent * log(self)`; self is e.
  fileprivate func power(_ exponent: Double) -> Double {
    (1...20).reduce((sum: 1.0, term: 1.0)) {
      ($0.sum + $0.term * exponent / Double($1), $0.term * exponent / Double($1))
    }
    .sum
  }
}
