import ProfileModel

/// The column `parameters` of a task: how it was asked for, and what came of that. The target is a column of its own.
struct TaskParameters: Codable {
  private var durationNanoseconds: UInt64?
  private var frequencyHertz: Int?
  private(set) var jitterSeed: UInt32?
  private var side: TaskSpec.Side
  private var includeChildren: Bool
  private(set) var unwind: String
  private(set) var event: String
  private var offCPU: OffCPUOptions?
  private var network: NetworkOptions?

  init(_ task: ProfilingTask) {
    let spec = task.spec
    durationNanoseconds = spec.durationNanoseconds
    frequencyHertz = spec.kind.onCPU?.frequencyHertz
    jitterSeed = task.jitterSeed
    side = spec.options.side
    includeChildren = spec.options.includesChildren
    unwind = task.unwind
    event = task.event
    offCPU = spec.kind.offCPU
    network = spec.kind.network
  }

  /// What was asked for; nil where that is of another kind. How stacks were to be walked is not kept, but how they were.
  func spec(of kind: TaskKind) -> TaskSpec? {
    let payload: TaskSpec.Kind? =
      switch kind {
      case .onCPU:
        frequencyHertz.map { .onCPU(OnCPUOptions(frequencyHertz: $0, hasJitter: jitterSeed != nil)) }
      case .offCPU: offCPU.map(TaskSpec.Kind.offCPU)
      case .network: network.map(TaskSpec.Kind.network)
      }
    guard let payload else { return nil }
    var spec = TaskSpec(kind: payload, durationNanoseconds: durationNanoseconds)
    spec.options.side = side
    spec.options.includesChildren = includeChildren
    return spec
  }
}
