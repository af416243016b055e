/// The scripts and style sheets of the folder `Web`, as text.
///
/// The build plugin adds a string for each file: `flame-graph.js` is `flameGraphScript`, `page.css` is `pageStyle`. A
/// comment at the head of a file is left out.
enum WebFile {
  /// The script of a report's page. An element ends where its script does, without a last line end.
  static let pageScript = String((flameLayoutScript + reportScript).dropLast())

  /// The script of a flame graph's file.
  ///
  /// - Parameter constants: those that the script works with, as declarations.
  static func graphScript(_ constants: String) -> String { flameLayoutScript + constants + flameGraphScript }
}
