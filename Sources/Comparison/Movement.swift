/// A cost that has changed its name and not its size: code that is inlined no more or now is, or was renamed.
package struct Movement: Sendable, Equatable {
  package let from: FunctionKey
  package let to: FunctionKey

  /// What a side has less of than this part of the other side has come or gone with the change.
  private static let remnant = 0.1

  /// Looks for functions that have lost what others have gained, under the same caller, where one of both has come or
  /// gone. The nearest losses and gains belong together; none is used twice.
  ///
  /// That the nearest common ancestor has not grown is no ground: the share of a caller that holds much of the profile
  /// hardly grows whatever its callees do, and may grow for another callee. So a decline is asked for, as sure as the
  /// growth is and at least half as large, in the caller itself or right below it.
  ///
  /// - Returns: where the growth of a function comes from, by the function.
  static func find(in test: RegressionTest, base: FunctionCosts, new: FunctionCosts) -> [FunctionKey: Movement] {
    var pairs: [(movement: Movement, difference: Double)] = []
    for grown in test.results where grown.isRegression {
      guard let caller = new.mainCaller(of: grown.key) ?? base.mainCaller(of: grown.key) else { continue }
      for lost in test.results where couldExplain(grown, lost, in: test) {
        let callers = base.callers[lost.key] ?? [:]
        guard lost.key == caller || callers[caller] != nil || callers[grown.key] != nil else { continue }
        pairs.append((Movement(from: lost.key, to: grown.key), abs(grown.impact + lost.impact)))
      }
    }
    var found: [FunctionKey: Movement] = [:]
    var spent: Set<FunctionKey> = []
    pairs.sort { ($0.difference, $0.movement.from, $0.movement.to) < ($1.difference, $1.movement.from, $1.movement.to) }
    for (movement, _) in pairs where found[movement.to] == nil && spent.insert(movement.from).inserted {
      found[movement.to] = movement
    }
    return found
  }

  private static func couldExplain(
    _ grown: RegressionTest.Result, _ lost: RegressionTest.Result, in test: RegressionTest
  ) -> Bool {
    let hasCome = grown.base.share <= remnant * grown.new.share
    let hasGone = lost.new.share <= remnant * lost.base.share
    return lost.key.kind == grown.key.kind && (hasCome || hasGone) && lost.declineP <= test.limits.alpha
      && lost.impact <= -grown.impact / 2
  }
}
