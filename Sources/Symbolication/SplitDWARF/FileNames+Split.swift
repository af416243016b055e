extension FileNames {
  /// What is said of split compilation units whose files were not found; nil where there are none.
  ///
  /// - Parameter path: of the program.
  static func problem(ofMissing units: [String], path: String) -> String? {
    guard let first = units.first else { return nil }
    let files =
      units.count == 1
      ? "the file '\(first)' with its split debugging information was not found"
      : "\(units.count) files with its split debugging information, such as '\(first)', were not found"
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return "\(files), nor '\(name).dwp' beside it; lines and inlined functions of that code are not shown"
  }
}
