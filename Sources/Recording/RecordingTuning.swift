package import Capture
import ProfileModel

/// The sizes and features that tests change.
package struct RecordingTuning {
  /// Nil for the kind's own size.
  package var ringBufferBytes: UInt32?
  package var missingFeatures: Set<KernelFeature> = []
  /// The sizes of tables by their names.
  package var capacities: [String: UInt32] = [:]
  /// How many stacks and threads, or connections, the kernel keeps.
  package var tableCapacity: UInt32 = 1 << 16

  package init() {}

  /// - Parameter child: the process that waits to become the command, if there is one.
  func order(_ spec: TaskSpec, child: ProcessID?) -> CaptureKinds.Order {
    let standardBytes: UInt32 = spec.kind.network == nil ? 1 << 21 : 1 << 23
    var task = ResolvedTask(
      spec, child: child, missingFeatures: missingFeatures, ringBufferBytes: ringBufferBytes ?? standardBytes)
    task.capacities = capacities
    return CaptureKinds.Order(task, tableCapacity: tableCapacity)
  }
}
