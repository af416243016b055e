/// A cost that has changed its name and not its size: code that is inlined no more, or was renamed.
package struct Movement: Sendable, Equatable {
  package let from: FunctionKey
  package let to: FunctionKey

  /// Looks for the function that has lost what another one has gained, under the same caller.
  ///
  /// A growth of the nearest common ancestor can't be asked for: of a caller that holds half of the profile, the share
  /// hardly grows whatever its callees do. So a decline is asked for, which must be as sure as the growth is, at least
  /// half as large, and below the same caller, or in the caller itself; the caller as a whole has then not grown by
  /// half as much.
  static func find(for grown: RegressionTest.Result, in test: RegressionTest, base: FunctionCosts, new: FunctionCosts)
    -> Movement?
  {
    guard let caller = new.mainCaller(of: grown.key) ?? base.mainCaller(of: grown.key) else { return nil }
    let candidates = test.results.filter { result in
      result.key != grown.key && result.key.kind == grown.key.kind && result.declineP <= test.limits.alpha
        && result.impact <= -grown.impact / 2
        && (result.key == caller || base.callers[result.key]?[caller] != nil)
    }
    guard let from = candidates.min(by: { $0.impact < $1.impact }) else { return nil }
    let whole = test.normalized { $0.inclusive[caller] ?? 0 }
    guard whole.new - whole.base < grown.impact / 2 else { return nil }
    return Movement(from: from.key, to: grown.key)
  }
}
