/// A page that needs nothing else and asks nobody for anything: its policy lets its own style and script through, and no
/// request out.
struct HTMLDocument {
  let title: String
  /// Markup of the body.
  let body: String
  let style: String
  /// Further styles that stand in the body.
  var innerStyles: [String] = []
  /// Nil for a page that needs none.
  var script: String?
  /// What the script works with: JSON.
  var data: String?

  var text: String {
    let scripts = script.map { "'sha256-\(Base64.encode(SHA256.hash($0)))'" } ?? "'none'"
    let styles = ([style] + innerStyles).map { "'sha256-\(Base64.encode(SHA256.hash($0)))'" }.joined(separator: " ")
    var lines = [
      "<!DOCTYPE html>", "<html lang=\"en\">", "<head>", "<meta charset=\"utf-8\">",
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src \(scripts); style-src \(styles);"
        + " base-uri 'none'; form-action 'none'\">",
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
      "<meta name=\"color-scheme\" content=\"light dark\">",
      "<title>\(XMLText.escaped(title))</title>", "<style>\(style)</style>", "</head>", "<body>", body,
    ]
    if let data { lines.append("<script type=\"application/json\" id=\"data\">\(Self.inert(data))</script>") }
    if let script { lines.append("<script>\(script)</script>") }
    lines += ["</body>", "</html>", ""]
    return lines.joined(separator: "\n")
  }

  /// JSON that can't end the element that it stands in, nor begin another.
  static func inert(_ json: String) -> String {
    var result = ""
    for scalar in json.unicodeScalars {
      switch scalar {
      case "<", ">", "&": result += "\\u" + String(0x10000 + scalar.value, radix: 16).dropFirst()
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

/// Pieces of markup.
enum HTML {
  static func text(_ text: some StringProtocol) -> String { XMLText.escaped(text) }

  static func element(_ name: String, _ content: String, styleClass: String? = nil) -> String {
    "<\(name)\(styleClass.map { " class=\"\($0)\"" } ?? "")>\(content)</\(name)>"
  }

  /// A section with a heading; nothing without content.
  static func section(_ title: String, id: String, _ content: String) -> String {
    content.isEmpty ? "" : "<section id=\"\(id)\">\n<h2>\(text(title))</h2>\n\(content)\n</section>"
  }

  static func list(_ items: [String]) -> String {
    items.isEmpty ? "" : "<ul>\n" + items.map { "<li>\(text($0))</li>\n" }.joined() + "</ul>"
  }

  /// Text of several lines, each made fit to be shown; a line may end as network protocols have it.
  static func preformatted(_ content: String) -> String {
    content.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      .map { line in text(Substring(line.last == "\r" ? line.dropLast() : line)) }.joined(separator: "\n")
  }

  /// Names and what they are.
  static func definitions(_ pairs: [(String, String)]) -> String {
    "<dl>\n" + pairs.map { "<dt>\(text($0.0))</dt><dd>\(text($0.1))</dd>\n" }.joined() + "</dl>"
  }
}
