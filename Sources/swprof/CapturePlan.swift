import Capture
import ProfileModel

/// What the options of a capture command come to.
struct CapturePlan {
  var target: TargetOptions
  var duration: Duration?
  var side = TaskSpec.Side.both
  var unwind = UnwindChoice.auto
  var output: OutputOptions
  var store: StoreOptions
  var noStore: Bool
  var note: String?
  var redactArgs: Bool
  var verbosity: Verbosity
  var ringBufferBytes: UInt32
  var missingFeatures: Set<KernelFeature>
  /// For tests, the sizes of tables by their names.
  var capacities: [TableCapacity] = []
}
