package import Capture
import ProfileModel
package import Symbolication

/// Names for the frames of runtimes. A runtime that forgets its functions must have asked for the names before.
package struct RuntimeNames {
  /// Names a frame; nil where the runtime does not know it.
  package typealias Resolver = (RuntimeFrame) -> NamedFrame?

  private let resolvers: [Runtime: Resolver]

  package init(_ resolvers: [Runtime: Resolver] = [:]) { self.resolvers = resolvers }

  /// The name of a frame, or a place without a name.
  package func name(of frame: RuntimeFrame) -> NamedFrame {
    if let name = resolvers[frame.runtime]?(frame) { return name }
    let place = "[\(frame.runtime.language.name)+0x\(String(frame.object, radix: 16))]"
    return NamedFrame(function: place, address: frame.object, origin: .unresolved)
  }
}
