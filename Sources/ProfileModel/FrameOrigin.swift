/// Where the code of a frame comes from.
package enum FrameOrigin: Sendable, Hashable {
  /// Native code of an ELF file, the vDSO included.
  case user
  case kernel
  /// Code that a just-in-time compiler wrote and named in a perf-map.
  case jit
  /// An address that has no name; `function` is `[module+0xoffset]` or `[0xaddress]`.
  case unresolved
  /// Not code: a label of ours such as `[truncated: too deep]`.
  case marker
  /// A function that a runtime interprets.
  case interpreted(Language)
  /// Native code by which an interpreter runs such functions: its loop, and the calls into it and out of it. Views leave
  /// it out unless they are asked for it, see `Profile.withoutInterpreterFrames`.
  case interpreterNative(Language)

  /// The number that a store keeps. Numbers are never reused.
  package var code: UInt8 {
    switch self {
    case .user: 0
    case .kernel: 1
    case .jit: 2
    case .unresolved: 3
    case .marker: 4
    case .interpreted: 5
    case .interpreterNative: 6
    }
  }

  /// The origin that a store has kept.
  ///
  /// - Parameter language: of an interpreted function, or of its interpreter.
  /// - Returns: nil for a number of a later version, and where one of these lacks its language.
  package init?(code: UInt8, language: Language? = nil) {
    switch code {
    case 0: self = .user
    case 1: self = .kernel
    case 2: self = .jit
    case 3: self = .unresolved
    case 4: self = .marker
    case 5:
      guard let language else { return nil }
      self = .interpreted(language)
    case 6:
      guard let language else { return nil }
      self = .interpreterNative(language)
    default: return nil
    }
  }

  /// The language of an interpreted function, or of its interpreter.
  package var language: Language? {
    switch self {
    case .interpreted(let language), .interpreterNative(let language): language
    case .user, .kernel, .jit, .unresolved, .marker: nil
    }
  }

  package var isInterpreted: Bool {
    if case .interpreted = self { return true }
    return false
  }

  /// Whether it is code of an interpreter, which views leave out.
  package var isInterpreterNative: Bool {
    if case .interpreterNative = self { return true }
    return false
  }

  /// Whether this is code that ran in user mode, with a name.
  package var isNamedUserCode: Bool {
    switch self {
    case .user, .jit, .interpreted, .interpreterNative: true
    case .kernel, .unresolved, .marker: false
    }
  }
}

/// A language whose runtime interprets code: `python`. Languages that nobody knows yet keep their names.
package struct Language: Hashable, Sendable {
  /// In lower case.
  package let name: String

  /// - Returns: nil for a name that is no word: an ASCII letter, then up to 30 letters, digits and `.+#-`.
  package init?(_ name: some StringProtocol) {
    let bytes = name.utf8
    guard let first = bytes.first, bytes.count <= 31, Self.isLetter(first), bytes.allSatisfy(Self.isPart) else {
      return nil
    }
    self.name = name.lowercased()
  }

  private init(known name: String) { self.name = name }

  package static let python = Language(known: "python")
  package static let java = Language(known: "java")
  package static let javaScript = Language(known: "javascript")
  package static let go = Language(known: "go")
  package static let ruby = Language(known: "ruby")
  package static let php = Language(known: "php")
  package static let perl = Language(known: "perl")
  package static let lua = Language(known: "lua")
  package static let erlang = Language(known: "erlang")
  package static let dotNet = Language(known: "dotnet")

  /// The languages that readers of names without quotes recognize.
  package static let known: [Language] = [
    .python, .java, .javaScript, .go, .ruby, .php, .perl, .lua, .erlang, .dotNet,
  ]

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func isPart(_ byte: UInt8) -> Bool {
    isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || ".+#-".utf8.contains(byte)
  }
}
