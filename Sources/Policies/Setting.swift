import ProfileModel
import Yams

/// A value of a policy file, read as what it has to be; what it is not is put on the list of problems.
struct Setting {
  let node: Node
  /// How it is called in a sentence: `'threshold'`.
  let name: String
  private let problems: ProblemList

  init(_ node: Node, name: String, problems: ProblemList) {
    (self.node, self.name, self.problems) = (node, name, problems)
  }

  /// Reports a problem at this place.
  func report(_ sentence: String) {
    problems.add(sentence, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
  }

  /// Reports a problem instead of a value.
  func reject<Value>(_ sentence: String) -> Value? {
    report(sentence)
    return nil
  }

  /// What stands there, in a few words.
  private var found: String {
    switch node {
    case .mapping: "a group of keys"
    case .sequence: "a list"
    case .scalar where isNull: "nothing"
    case .scalar(let scalar):
      Self.isPlain(scalar) ? "'\(Self.shortened(scalar.string))'" : "the text '\(Self.shortened(scalar.string))'"
    case .alias: "an alias"
    }
  }

  static func shortened(_ text: String) -> String {
    text.count <= 40 ? text : text.prefix(39) + "…"
  }

  private func wrong<Value>(_ expected: String) -> Value? {
    reject("\(name) is \(found); expected \(expected)")
  }

  private static func isPlain(_ scalar: Node.Scalar) -> Bool { scalar.style == .plain || scalar.style == .any }

  private var isNull: Bool {
    guard case .scalar(let scalar) = node, Self.isPlain(scalar) else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  /// The characters of a scalar that is not quoted; nil for anything else.
  private var plain: String? {
    guard case .scalar(let scalar) = node, Self.isPlain(scalar), !isNull else { return nil }
    return scalar.string
  }

  // MARK: - Scalars

  /// - Parameter expected: for the sentence: `a name`.
  func text(_ expected: String) -> String? {
    guard case .scalar(let scalar) = node, !isNull else { return wrong(expected) }
    guard !scalar.string.isEmpty else { return reject("\(name) is empty; expected \(expected)") }
    return scalar.string
  }

  func integer(in range: ClosedRange<Int>) -> Int? {
    guard let text = plain, let number = Int(text) else {
      return wrong("a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    guard range.contains(number) else {
      return reject("\(name) is \(number); give \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A number above 0.
  func positiveNumber() -> Double? {
    guard let text = plain, let number = Double(text), number.isFinite, text.utf8.allSatisfy(Self.isNumeric) else {
      return wrong("a number above 0")
    }
    guard number > 0 else { return reject("\(name) is \(text); give a number above 0") }
    return number
  }

  /// No hexadecimal numbers, and neither `nan` nor `inf`.
  private static func isNumeric(_ byte: UInt8) -> Bool { "0123456789.+-eE".utf8.contains(byte) }

  func flag() -> Bool? {
    switch plain {
    case "true": true
    case "false": false
    default: wrong("true or false")
    }
  }

  /// One of some words.
  func choice(_ words: [String]) -> String? {
    let expected = words.count == 1 ? "'\(words[0])'" : "one of \(words.joined(separator: ", "))"
    guard let text = plain ?? scalarText else { return wrong(expected) }
    guard words.contains(text) else {
      let guess = Spelling.nearest(to: text, among: words).map { "did you mean '\($0)'? " } ?? ""
      return reject("\(name) is '\(Self.shortened(text))'; \(guess)expected \(expected)")
    }
    return text
  }

  /// One of the words of a type.
  func choice<Word: CaseIterable & RawRepresentable<String>>(of type: Word.Type) -> Word? {
    choice(Word.allCases.map(\.rawValue)).flatMap(Word.init)
  }

  /// The characters of a scalar, quoted or not; nil for anything else.
  var scalarText: String? {
    guard case .scalar(let scalar) = node, !isNull else { return nil }
    return scalar.string
  }

  /// Whole seconds, written with a unit.
  func seconds(in range: ClosedRange<Int>) -> Int? {
    let expected = "a time from \(Self.time(range.lowerBound)) to \(Self.time(range.upperBound)), as 10s, 5m, 2h"
    guard let (length, text) = time(expected) else { return nil }
    guard length % 1_000_000_000 == 0 else { return reject("\(name) is \(text); give whole seconds") }
    let seconds = Int(length / 1_000_000_000)
    guard range.contains(seconds) else { return reject("\(name) is \(text); give \(expected)") }
    return seconds
  }

  /// A time in ns, written with a unit; `0` needs none.
  func nanoseconds() -> UInt64? { time("a time, as 1us, 10ms, 2s")?.nanoseconds }

  private func time(_ expected: String) -> (nanoseconds: UInt64, text: String)? {
    guard let text = scalarText else { return wrong(expected) }
    do { return (try TimeLength(reading: text).nanoseconds, text) } catch { return unreadable(text, error, expected) }
  }

  /// Reports why a text is not what is expected.
  private func unreadable<Value>(_ text: String, _ error: UnreadableText, _ expected: String) -> Value? {
    switch error {
    case .notANumber: wrong(expected)
    case .noUnit, .unknownUnit:
      reject("\(name) is '\(Self.shortened(text))', which \(error.reason); expected \(expected)")
    case .overAYear: reject("\(name) is \(Self.shortened(text)), more than a year; expected \(expected)")
    case .tooLarge: reject("\(name) is \(Self.shortened(text)), which \(error.reason); expected \(expected)")
    case .notAPattern, .patternTooLong, .patternTooLarge, .patternUnsupported:
      reject("'\(Self.shortened(text))' \(error.reason)")
    }
  }

  /// A regular expression, where `text` stands here.
  func pattern(_ text: String) -> TextPattern? {
    do { return try TextPattern(reading: text) } catch { return unreadable(text, error, "a regular expression") }
  }

  private static func time(_ seconds: Int) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "m")]
    guard let (factor, unit) = units.first(where: { seconds >= $0.0 && seconds % $0.0 == 0 }) else {
      return "\(seconds)s"
    }
    return "\(seconds / factor)\(unit)"
  }

  /// A number of bytes: `512M`, `2G`.
  func bytes(atLeast minimum: Int64) -> Int64? {
    guard let text = scalarText else { return wrong(ByteSize.examples) }
    let bytes: Int64
    do { bytes = try ByteSize(reading: text).bytes } catch { return unreadable(text, error, ByteSize.examples) }
    guard bytes >= minimum else { return reject("\(name) is \(text); give \(minimum >> 20)M or more") }
    return bytes
  }

  // MARK: - Groups

  /// The entries of a list, or a single value as the only one.
  func list() -> [Setting]? {
    switch node {
    case .sequence(let sequence):
      guard !sequence.isEmpty else { return reject("\(name) is an empty list; give at least one entry") }
      return sequence.map { Setting($0, name: "an entry of \(name)", problems: problems) }
    case .scalar, .mapping, .alias: return [self]
    }
  }

  /// The entries of what has to be a list.
  func entries(_ expected: String) -> [Setting]? {
    guard case .sequence = node else { return wrong(expected) }
    return list()
  }

  /// The values of a group by their keys, with unknown keys reported.
  func group(keys known: [String], _ expected: String) -> SettingGroup? {
    guard case .mapping(let mapping) = node else { return wrong(expected) }
    var values: [String: Setting] = [:]
    for (key, value) in mapping {
      guard case .scalar(let scalar) = key else {
        Setting(key, name: "a key", problems: problems).report("a key is no text; expected \(Self.listed(known))")
        continue
      }
      guard known.contains(scalar.string) else {
        let guess = Spelling.nearest(to: scalar.string, among: known).map { "did you mean '\($0)'? " } ?? ""
        Setting(key, name: "", problems: problems).report(
          "unknown key '\(Self.shortened(scalar.string))' in \(name); \(guess)expected \(Self.listed(known))")
        continue
      }
      values[scalar.string] = Setting(value, name: "'\(scalar.string)'", problems: problems)
    }
    return SettingGroup(setting: self, values: values)
  }

  private static func listed(_ keys: [String]) -> String {
    keys.count == 1 ? "'\(keys[0])'" : keys.dropLast().joined(separator: ", ") + " or " + keys[keys.count - 1]
  }

  func renamed(_ name: String) -> Setting { Setting(node, name: name, problems: problems) }
}

/// The values of a group of keys.
struct SettingGroup {
  let setting: Setting
  fileprivate let values: [String: Setting]

  subscript(key: String) -> Setting? { values[key] }

  /// A value that must be there.
  func required(_ key: String, _ expected: String) -> Setting? {
    if let value = values[key] { return value }
    return setting.reject("\(setting.name) has no '\(key)'; expected \(expected)")
  }

  /// Reports keys that have no place here.
  func refuse(_ keys: [String], because reason: String) {
    for key in keys { values[key]?.report("'\(key)' has no place here: \(reason)") }
  }
}
