package import ProfileModel

/// Files of one kind as one profile.
package enum ProfileFiles {
  /// - Parameter names: as the user names the files.
  package static func merged(_ files: [ImportedProfile], names: [String]) throws -> ImportedProfile {
    guard var merged = files.first else { return ImportedProfile() }
    for (file, name) in zip(files, names).dropFirst() {
      guard file.kind == merged.kind, file.unit == merged.unit, file.amount == merged.amount else {
        throw LoadingError("'\(names[0])' and '\(name)' count different things; report them one by one", .unsuitable)
      }
      merged.runs += file.runs
      merged.hasThreads = merged.hasThreads || file.hasThreads
    }
    guard !merged.isTooHeavy else {
      throw LoadingError("the counts of all files together are too large; report them one by one", .malformed)
    }
    return merged
  }
}
