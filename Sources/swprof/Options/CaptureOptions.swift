import ArgumentParser
import Capture
import LinuxSystem
import ProfileModel
import Recording

/// What all capture commands share: what to profile, for how long, and what becomes of it.
struct CaptureOptions: ParsableArguments {
  @OptionGroup(title: "Target") var target: TargetOptions

  @Option(
    help: ArgumentHelp("How long: 500ms, 10s, 10m. Default 30s; with a command, until it ends.", valueName: "time"),
    transform: OptionReading.duration)
  var duration: TimeLength?

  @Flag(exclusivity: .exclusive, help: ArgumentHelp("Record this side's stacks only.", visibility: .default))
  var side: Side?

  @Option(
    help: ArgumentHelp(
      "How to walk user stacks: dwarf (by the files' unwind tables), fp (by frame pointers), auto (dwarf if possible).",
      valueName: "how"))
  var unwind = UnwindChoice.auto

  @OptionGroup var result: ResultOptions
  @OptionGroup var tuning: TuningOptions

  enum Side: String, EnumerableFlag {
    case user
    case kernel

    static func help(for value: Side) -> ArgumentHelp? {
      switch value {
      case .user: "Record user stacks only."
      case .kernel: "Record kernel stacks only."
      }
    }
  }

  /// The task that the options describe.
  func spec(_ kind: TaskSpec.Kind) -> TaskSpec {
    var spec = target.spec(kind, duration: duration)
    spec.options.side =
      switch side {
      case nil: .both
      case .user: .user
      case .kernel: .kernel
      }
    spec.options.unwind = unwind
    return spec
  }
}

/// What becomes of a capture: what is printed, what is stored, and how much is said.
struct ResultOptions: ParsableArguments {
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup var store: StoreOptions

  @Flag(help: "Do not store the task.")
  var noStore = false

  @Option(help: ArgumentHelp("A remark to keep with the task.", valueName: "text"))
  var note: String?

  @Flag(help: "Keep of '-- COMMAND' the program's name only: arguments may hold secrets.")
  var redactArgs = false

  @OptionGroup var manners: VerbosityOptions
}

/// How a capture is made for tests of it.
struct TuningOptions: ParsableArguments {
  @Option(help: .hidden, transform: OptionReading.ringBuffer)
  var ringBufferSize: UInt32?

  @Option(help: .hidden)
  var withoutFeature: [KernelFeature] = []

  @Option(help: .hidden)
  var capacity: [TableCapacity] = []

  var tuning: RecordingTuning {
    var tuning = RecordingTuning()
    tuning.ringBufferBytes = ringBufferSize
    tuning.missingFeatures = Set(withoutFeature)
    tuning.capacities = Dictionary(capacity.map { ($0.table, $0.count) }) { $1 }
    return tuning
  }
}

/// `NAME=N`: the size of a table, for tests.
struct TableCapacity: ExpressibleByArgument {
  let table: String
  let count: UInt32

  init?(argument: String) {
    let parts = argument.split(separator: "=")
    guard parts.count == 2, let count = UInt32(parts[1]), count > 0 else { return nil }
    table = String(parts[0])
    self.count = count
  }
}

extension UnwindChoice: ExpressibleByArgument {}
extension KernelFeature: ExpressibleByArgument {}
