import ArgumentParser
import LinuxSystem
import ProfileModel
import Storage

/// What a shell offers for an argument: silent, and empty where anything is in the way.
enum ShellCompletion {
  /// The stored tasks, newest first.
  static func tasks(words: [String], _: Int, _: String) -> [String] {
    guard let store = try? StoreAccess.readable(StoreOptions(named: option("--db", in: words))),
      let tasks = try? store.tasks(limit: taskLimit)
    else { return [] }
    return tasks.map { candidate("\($0.id)", "\($0.kind.rawValue), \($0.target)") }
  }

  /// The processes of this machine, in the order of their numbers.
  static func processes(words: [String], _: Int, _: String) -> [String] {
    processNames().map { candidate("\($0.process)", $0.name) }
  }

  /// The names of processes, each once.
  static func processNames(words: [String], _: Int, _: String) -> [String] {
    Set(processNames().map(\.name)).filter { !$0.isEmpty && $0.unicodeScalars.allSatisfy(isHarmless) }.sorted()
  }

  private static let taskLimit = 200
  private static let descriptionLength = 60

  private static func processNames() -> [(process: ProcessID, name: String)] {
    ((try? ProcessTable.processes()) ?? []).sorted { $0.rawValue < $1.rawValue }
      .compactMap { process in (try? ProcessTable.name(of: process)).map { (process, $0) } }
  }

  /// A candidate with its description, in the form of the shell that asks: bash has none for descriptions.
  ///
  /// - Parameter value: harmless.
  static func candidate(_ value: String, _ description: String, for shell: CompletionShell? = .requesting) -> String {
    let separator: String
    switch shell {
    case .fish: separator = "\t"
    case .zsh: separator = ":"
    default: return value
    }
    let words = description.unicodeScalars.prefix(descriptionLength).map { isHarmless($0) || $0 == " " ? $0 : "?" }
    return value + separator + String(String.UnicodeScalarView(words))
  }

  /// Whether no shell sees more in a character than itself: bash expands its candidates, command substitution included,
  /// and names come from any process.
  private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "/", "+", "@", "-", ",": true
    default: false
    }
  }

  private static func option(_ name: String, in words: [String]) -> String? {
    if let place = words.firstIndex(of: name), place + 1 < words.count { return words[place + 1] }
    return words.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
  }
}
