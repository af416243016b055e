import Yams

/// Reads one YAML document whose size, depth and time are bounded.
enum YAMLDocument {
  /// Longer files are no policies.
  private static let sizeLimit = 1 << 20

  /// - Returns: the root of the document; nil with the reason among the problems.
  static func read(_ bytes: [UInt8], problems: ProblemList) -> Setting? {
    guard bytes.count <= sizeLimit else {
      problems.add("the file has \(bytes.count) bytes; at most \(sizeLimit)", line: 1, column: 1)
      return nil
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let (line, column) = firstInvalid(bytes)
      problems.add("this is not UTF-8; write the file as UTF-8 text", line: line, column: column)
      return nil
    }
    guard let references = YAMLReferences.find(in: bytes) else {
      problems.add("the file is nested too deep; at most \(YAMLReferences.maximumDepth) levels", line: 1, column: 1)
      return nil
    }
    guard references.isEmpty else {
      for place in references {
        problems.add(
          "anchors and aliases are not supported; write the value out", line: place.line, column: place.column)
      }
      return nil
    }
    return compose(text, problems: problems)
  }

  private static func compose(_ text: String, problems: ProblemList) -> Setting? {
    do {
      guard let root = try Parser(yaml: text).singleRoot() else {
        problems.add("the file is empty; a key 'policies' with a list is needed", line: 1, column: 1)
        return nil
      }
      return Setting(root, name: "the file", problems: problems)
    } catch let error as YamlError {
      report(error, text, problems)
    } catch {
      problems.add("this is no YAML: \(error)", line: 1, column: 1)
    }
    return nil
  }

  private static func report(_ error: YamlError, _ text: String, _ problems: ProblemList) {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let reason = [context?.text, problem].compactMap(\.self).joined(separator: " ")
      problems.add("this is no YAML: \(reason)", line: mark.line, column: mark.column)
    case .reader(let problem, let offset, _, _):
      let before = text.prefix(offset ?? 0)
      let line = before.split(separator: "\n", omittingEmptySubsequences: false)
      problems.add(
        "this is no YAML: \(problem)", line: max(1, line.count), column: (line.last?.unicodeScalars.count ?? 0) + 1)
    case .duplicatedKeysInMapping(let keys, let context):
      problems.add(
        "\(keys.map { "'\($0)'" }.joined(separator: ", ")) stands here more than once; give each key once",
        line: context.mark.line, column: context.mark.column)
    case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      problems.add("this is no YAML: \(error)", line: 1, column: 1)
    }
  }

  private static func firstInvalid(_ bytes: [UInt8]) -> (line: Int, column: Int) {
    // Lines end in a byte that is part of no other character.
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
    where String(validating: line, as: UTF8.self) == nil {
      let whole = String(decoding: line, as: UTF8.self).unicodeScalars
      return (
        index + 1, whole.distance(from: whole.startIndex, to: whole.firstIndex(of: "\u{FFFD}") ?? whole.startIndex) + 1
      )
    }
    return (1, 1)
  }
}
