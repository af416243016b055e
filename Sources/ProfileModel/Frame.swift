/// A file, or another named stretch of code, that frames lie in.
package struct Module: Hashable, Sendable {
  /// The path as the target sees it, or a bracketed name such as `[kernel]`, `[vdso]`, `[jit]`.
  package let path: String
  /// The GNU build id in lower-case hexadecimal digits, where the file has one.
  package let buildID: String?

  package init(path: String, buildID: String? = nil) {
    self.path = path
    self.buildID = buildID
  }

  /// The last component of the path.
  package var name: Substring {
    path.beginsWithBytes(of: "[") ? path[...] : path.lastPathComponent
  }
}

/// A place in source code.
package struct SourceLocation: Hashable, Sendable {
  package let file: String
  /// Counted from 1.
  package let line: Int

  package init(file: String, line: Int) {
    self.file = file
    self.line = line
  }

  /// `app.py:12`, without folders.
  package var shortName: String {
    let name = file.lastPathComponent
    return "\(name):\(line)"
  }
}

/// One symbolicated frame of a stack.
package struct Frame: Hashable, Sendable {
  /// The demangled function name, without annotations; never empty.
  package let function: String
  /// An index into `Profile.modules`.
  package let module: Int?
  /// The ELF virtual address of the frame in its module; the address itself for kernel and JIT code; 0 for markers and
  /// interpreted functions.
  package let address: UInt64
  package let origin: FrameOrigin
  package let isInlined: Bool
  package let source: SourceLocation?

  package init(
    function: String, module: Int? = nil, address: UInt64 = 0, origin: FrameOrigin = .user, isInlined: Bool = false,
    source: SourceLocation? = nil
  ) {
    self.function = function
    self.module = module
    self.address = address
    self.origin = origin
    self.isInlined = isInlined
    self.source = source
  }

  /// What stands at the root of a stack that was cut short: `[truncated: too deep]`.
  package static func truncated(_ reason: Truncation) -> Frame {
    Frame(function: "[truncated: \(reason.rawValue)]", origin: .marker)
  }

  /// Whether this is the root of a stack that was cut short.
  package var isTruncation: Bool { origin == .marker && function.hasPrefix("[truncated") }

  /// Whether this is the mark of what a thread did instead of running, behind which its waker may stand.
  package var isPhase: Bool {
    origin == .marker
      && ["[blocked", "[run queue", "[preempted", "[yielded", "[throttled"].contains { function.hasPrefix($0) }
  }

  /// The function, with ` (file:line)` where that is wanted and known; the file without its folders.
  package func name(withLine: Bool) -> String {
    guard withLine, let source else { return function }
    return "\(function) (\(source.shortName))"
  }

  /// The suffix that folded stacks give a frame of this kind: `_[k]`, `_[j]`, `_[i]`, `_[p]` for Python, `_[java]` and the
  /// like for other languages, or nothing.
  package var annotation: String {
    switch origin {
    case .kernel: "_[k]"
    case .jit: "_[j]"
    case .interpreted(.python): "_[p]"
    case .interpreted(let language): "_[\(language.name)]"
    case .user, .interpreterNative, .unresolved, .marker: isInlined ? "_[i]" : ""
    }
  }
}
