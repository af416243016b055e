package import ProfileModel

/// What makes two frames of a call tree one: everything that is shown of a frame.
package struct FrameLabel: Hashable, Sendable {
  /// What stands in a place of the tree.
  package enum Kind: Hashable, Sendable {
    /// The root, which stands for the whole profile.
    case all
    case process
    case thread
    case function(FrameOrigin, isInlined: Bool)
    /// A function in a comparison: how much its own share has grown, from -7 to 7.
    case change(Int)
  }

  package let name: String
  /// The name of the module, without its folder.
  package let module: String?
  package let kind: Kind

  package init(name: String, module: String? = nil, kind: Kind) {
    self.name = name
    self.module = module
    self.kind = kind
  }

  /// The label of a frame; `module` is the name of its module. With lines, calls at different lines stay apart.
  package init(_ frame: Frame, module: Substring?, withLine: Bool = false) {
    self.init(
      name: frame.name(withLine: withLine), module: module.map(String.init),
      kind: .function(frame.origin, isInlined: frame.isInlined))
  }

  package static let all = FrameLabel(name: "all", kind: .all)

  /// Bytewise by name, then by module, then by kind: a total order that no locale changes.
  static func precedes(_ left: Self, _ right: Self) -> Bool {
    if left.name != right.name { return left.name.utf8.lexicographicallyPrecedes(right.name.utf8) }
    if left.module != right.module {
      return (left.module ?? "").utf8.lexicographicallyPrecedes((right.module ?? "").utf8)
    }
    if left.kind.rank != right.kind.rank { return left.kind.rank < right.kind.rank }
    return (left.kind.language?.name ?? "").utf8.lexicographicallyPrecedes((right.kind.language?.name ?? "").utf8)
  }
}

extension FrameLabel.Kind {
  fileprivate var language: Language? {
    if case .function(let origin, _) = self { return origin.language }
    return nil
  }

  fileprivate var rank: Int {
    switch self {
    case .all: 0
    case .process: 1
    case .thread: 2
    case .function(let origin, let isInlined): 3 + 2 * Int(origin.code) + (isInlined ? 1 : 0)
    case .change(let level): 100 + level
    }
  }
}
