import Testing

@testable import Comparison

@Suite struct StudentTTests {
  /// From the tables of Abramowitz and Stegun, 26.10: the values that are exceeded with these probabilities.
  @Test(arguments: [
    (1.0, 0.05, 6.314), (5, 0.05, 2.015), (10, 0.01, 2.764), (20, 0.005, 2.845), (30, 0.025, 2.042), (120, 0.01, 2.358),
  ])
  func `quantiles are those of the tables`(freedom: Double, tail: Double, expected: Double) {
    #expect(abs(StudentT.quantile(upperTail: tail, freedom: freedom) - expected) < 0.001)
    #expect(abs(StudentT.upperTail(expected, freedom: freedom) - tail) < 1e-4)
  }

  @Test func `the distribution is symmetric`() {
    for t in [0.1, 1, 3] {
      #expect(abs(StudentT.upperTail(t, freedom: 7) + StudentT.upperTail(-t, freedom: 7) - 1) < 1e-12)
    }
    #expect(StudentT.upperTail(0, freedom: 3) == 0.5)
  }

  @Test func `infinities have their limits`() {
    #expect(StudentT.upperTail(.infinity, freedom: 4) == 0)
    #expect(StudentT.upperTail(-.infinity, freedom: 4) == 1)
  }
}
