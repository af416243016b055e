import ProfileModel

/// Names in perf's text, which has no quotes: each stays in its place of its line.
enum PerfScriptText {
  /// `comm  pid/tid`.
  static func thread(_ thread: ProfiledThread) -> String {
    var name = ""
    for character in DisplayText.visible(thread.name) {
      // A number behind a blank would be read as the thread's.
      if name.last == " ", character.isNumber { name.removeLast(); name.append("_") }
      if name.isEmpty, character.isWhitespace { continue }
      name.append(name.isEmpty && character == "#" ? "_" : character.isWhitespace ? " " : character)
    }
    while name.last == " " { name.removeLast() }
    // As perf calls a thread whose name it never saw. Two blanks: the readers' patterns ask for two bytes of a name.
    return "\(name.isEmpty ? ":\(thread.thread)" : name)  \(thread.process)/\(thread.thread)"
  }

  /// `\taddress function+0x0 (module)` and a line's end.
  static func frame(_ frame: Frame, module: String?) -> String {
    let name = DisplayText.visible(frame.function)
    let address = String(frame.address, radix: 16)
    let digits = String(repeating: " ", count: max(0, 16 - address.count)) + address
    switch frame.origin {
    case .marker: return "\t\(digits) \(name) ([unknown])\n"
    case .kernel: return "\t\(digits) \(name)+0x0 (\(module.map(kernel) ?? "[kernel.kallsyms]"))\n"
    // What perf calls the file of names for code of just-in-time compilers; a reader knows such code by it.
    case .jit: return "\t\(digits) \(name)+0x0 (\(jit(module)))\n"
    case .user where frame.isInlined, .interpreted where frame.isInlined, .interpreterNative where frame.isInlined:
      return "\t\(digits) \(name) (inlined)\n"
    case .user, .interpreted, .interpreterNative, .unresolved:
      return "\t\(digits) \(name)+0x0 (\(module.map(file) ?? "[unknown]"))\n"
    }
  }

  /// `  app.py:12` and a line's end, which perf prints below a frame with `-F +srcline`; empty where it is not known.
  static func source(_ source: SourceLocation?) -> String {
    source.map { "  \(word($0.shortName))\n" } ?? ""
  }

  /// Readers take what stands in brackets for the kernel, except what is unknown.
  private static func file(_ module: String) -> String {
    guard module.hasPrefix("[") else { return word(module) }
    return module == "[vdso]" ? module : module.hasPrefix("[kernel") ? kernel(module) : "[unknown]"
  }

  private static func kernel(_ module: String) -> String {
    module == "[kernel]" ? "[kernel.kallsyms]" : word(module)
  }

  private static func jit(_ module: String?) -> String {
    guard let module, module.hasPrefix("/tmp/perf-") else { return "/tmp/perf-0.map" }
    return word(module)
  }

  /// Text without blanks and parentheses, which end a field.
  static func word(_ text: String) -> String {
    let word = DisplayText.visible(text).map { character in
      character.isWhitespace || character == "(" || character == ")" ? "_" : character
    }
    return word.isEmpty ? "[unknown]" : String(word)
  }
}
