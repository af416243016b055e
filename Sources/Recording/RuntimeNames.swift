package import Capture
import ProfileModel
package import Symbolication

/// Names for the frames of runtimes. A runtime that forgets its functions must have asked for the names before.
package struct RuntimeNames {
  /// Names a frame; nil where the runtime does not know it.
  package typealias Resolver = (RuntimeFrame) -> NamedFrame?

  private let resolvers: [Runtime: Resolver]

  package init(_ resolvers: [Runtime: Resolver] = [:]) { self.resolvers = resolvers }

  /// Names frames by what was read of them while their processes lived.
  package init(of raw: RawProfile) {
    let names = raw.runtimeNames
    self.init(
      Dictionary(
        uniqueKeysWithValues: Runtime.allCases.map { runtime in
          (runtime, { frame in names[frame].map { Self.frame($0, language: runtime.language) } })
        }))
  }

  private static func frame(_ name: RuntimeName, language: Language) -> NamedFrame {
    switch name {
    case .function(let function, let file, let line):
      NamedFrame(
        function: function, address: 0, origin: .interpreted(language),
        source: line.map { SourceLocation(file: file, line: $0) }, module: Module(path: file))
    case .gone: NamedFrame(function: "[\(language.name): code gone]", address: 0, origin: .marker)
    }
  }

  /// The name of a frame, or a place without a name.
  package func name(of frame: RuntimeFrame) -> NamedFrame {
    if let name = resolvers[frame.runtime]?(frame) { return name }
    let place = "[\(frame.runtime.language.name)+0x\(String(frame.object, radix: 16))]"
    return NamedFrame(function: place, address: frame.object, origin: .unresolved)
  }
}
