import Capture
import ProfileModel

/// A function of Go's runtime at which the stack of a thread begins. It leaves the stack of a goroutine for that of the
/// system, so that its frame pointer leads to no caller (runtime/asm_amd64.s, runtime/proc.go).
enum GoRoot {
  /// What called it waits on the goroutine's stack. The frame pointer may lead there, or nowhere.
  case root
  /// It never returns to what called it, which has been put aside by the time that it runs.
  case entry

  private static let roots: Set<Substring> = [
    "runtime.morestack", "runtime.mstart", "runtime.mstart0", "runtime.rt0_go", "runtime.systemstack",
  ]
  /// How a walk ends that came to a root.
  private static let ends: Set<Truncation> = [.noFramePointer, .unmapped, .unreadable, .corrupt]

  /// - Parameter function: its name, with or without the suffix of its calling convention.
  init?(_ function: String) {
    guard function.hasPrefix("runtime.") else { return nil }
    let name = function.hasSuffix(".abi0") ? function.dropLast(5) : function[...]
    if name == "runtime.mcall" {
      self = .entry
    } else if Self.roots.contains(name) {
      self = .root
    } else {
      return nil
    }
  }

  /// What a whole stack with this root stands on, instead of on the parent of its node: the index of another node, or -1;
  /// and the defect as which the stack was counted. Nil where nothing changes.
  func base(of node: StackTree.Node, _ raw: RawProfile) -> (node: Int, defect: DefectCause?)? {
    var place = Int(node.parent)
    while place >= 0 {
      let ancestor = raw.stacks.nodes[place]
      switch raw.locations[Int(ancestor.frame)] {
      case .marker(.truncated(let reason)):
        guard self == .entry || Self.ends.contains(reason) else { return nil }
        return (Int(ancestor.parent), reason.defect)
      case .code, .runtime, .marker(.guessedCaller), .marker(.doubtedCaller):
        if self == .root { return nil }
        place = Int(ancestor.parent)
      case .marker:
        return self == .root ? nil : (place, nil)
      }
    }
    return self == .root || node.parent < 0 ? nil : (-1, nil)
  }
}
