import ProfileModel

/// Profiles of other programs, and of our own exports.
enum Imports {
  static func read(_ path: String) throws -> ImportedProfile {
    throw Failure("cannot read '\(path)': not built yet", .unavailable)
  }

  static func save(_ runs: [Profile], to path: String, frequencyHertz: Int) throws {
    throw Failure("cannot write '\(path)': not built yet", .unavailable)
  }
}
