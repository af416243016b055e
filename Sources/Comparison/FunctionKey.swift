/// What is compared: a function, a module, or all stacks with a function of some name.
package struct FunctionKey: Hashable, Comparable, Sendable {
  package enum Kind: UInt8, Sendable {
    case function
    case module
    /// Everything that the functions of a pattern do, themselves and what they call.
    case subtree
  }

  package let kind: Kind
  /// A canonical function name, a module's name or a regular expression.
  package let name: String
  /// The module of a function, without its folder.
  package let module: String?

  package init(kind: Kind = .function, name: String, module: String? = nil) {
    self.kind = kind
    self.name = name
    self.module = module
  }

  package static func < (left: Self, right: Self) -> Bool {
    (left.name, left.module ?? "", left.kind.rawValue) < (right.name, right.module ?? "", right.kind.rawValue)
  }
}
