/// Which swprof this is.
package enum SwprofVersion {
  /// By semantic versioning; `man/CHANGELOG.md` lists what each number changed.
  package static let number = "0.1.0"

  /// `0.1.0 (a2783b4c1d)`: the number, and the commit that it was built from.
  ///
  /// The commit reads `a2783b4c1d, modified` where tracked files differed from it when it was last written, which is
  /// after each commit and each change of git's index. Outside a repository the number stands alone.
  package static let text = commit.isEmpty ? number : "\(number) (\(commit))"
}
