import Capture
import ProfileModel

/// Tells the thread that collects garbage from one that runs meanwhile.
///
/// The kernel side knows that an interpreter collects garbage and which thread holds the lock. A finalizer may let the
/// lock go in the middle of a collection. Then another thread holds it, which is not in the collector.
enum PythonCollection {
  /// Whether the innermost Python function of a stack has called the collector.
  ///
  /// A stripped interpreter has no names for static functions: each of its functions without a name may be the collector.
  ///
  /// - Parameters:
  ///   - path: from root to leaf.
  ///   - last: the place of the innermost Python frame.
  ///   - isInterpreter: asked of modules.
  static func isWithin(_ path: [Int], behind last: Int, of profile: Profile, isInterpreter: (Int) -> Bool) -> Bool {
    path[(last + 1)...].contains { index in
      let frame = profile.frames[index]
      guard frame.module.map(isInterpreter) ?? false else { return false }
      return frame.origin == .unresolved || functions.contains(frame.function)
    }
  }

  static func isMark(_ frame: Frame) -> Bool {
    frame.origin == .marker && frame.function == Location.Marker.PythonMarker.collecting.rawValue
  }

  /// Modules/gcmodule.c, and since 3.13 Python/gc.c: compilers put some of them into their callers.
  private static let functions: Set<String> = [
    "collect", "collect_generations", "collect_with_callback", "gc_collect", "gc_collect_impl", "gc_collect_main",
    "gc_collect_generations", "gc_collect_with_callback", "gc_collect_young", "gc_collect_increment", "gc_collect_full",
    "gc_collect_internal", "_Py_RunGC", "PyGC_Collect", "_PyGC_Collect", "_PyGC_CollectNoFail",
    "_PyGC_CollectIfEnabled",
  ]
}
