import ArgumentParser
import Capture
import LinuxSystem
import ProfileModel

/// What all capture commands share: what to profile, for how long, and what becomes of it.
struct CaptureOptions: ParsableArguments {
  @OptionGroup(title: "Target") var target: TargetOptions

  @Option(
    help: ArgumentHelp("How long: 500ms, 10s, 10m. Default 30s; with a command, until it ends.", valueName: "time"))
  var duration: Duration?

  @Flag(exclusivity: .exclusive, help: ArgumentHelp("Record this side's stacks only.", visibility: .default))
  var side: Side?

  @Option(
    help: ArgumentHelp(
      "How to walk user stacks: dwarf (by the files' unwind tables), fp (by frame pointers), auto (dwarf if possible).",
      valueName: "how"))
  var unwind = UnwindChoice.auto

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup var store: StoreOptions

  @Flag(help: "Do not store the task.")
  var noStore = false

  @Option(help: ArgumentHelp("A remark to keep with the task.", valueName: "text"))
  var note: String?

  @Flag(help: "Keep of '-- COMMAND' the program's name only: arguments may hold secrets.")
  var redactArgs = false

  @OptionGroup var manners: VerbosityOptions

  @Option(help: .hidden)
  var ringBufferSize = ByteCount(bytes: 1 << 21)

  @Option(help: .hidden)
  var withoutFeature: [KernelFeature] = []

  @Option(help: .hidden)
  var capacity: [TableCapacity] = []

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

  func validate() throws { try ringBufferSize.validateRingBuffer() }

  var plan: CapturePlan {
    let side: TaskSpec.Side =
      switch side {
      case nil: .both
      case .user: .user
      case .kernel: .kernel
      }
    return CapturePlan(
      target: target, duration: duration, side: side, unwind: unwind, output: output, store: store, noStore: noStore,
      note: note, redactArgs: redactArgs, verbosity: manners.verbosity, ringBufferBytes: ringBufferSize.bytes,
      missingFeatures: Set(withoutFeature), capacities: capacity)
  }
}

extension ByteCount {
  /// Throws unless the kernel takes it as the size of a ring buffer.
  func validateRingBuffer() throws {
    if bytes < UInt32(Host.pageSize) || bytes & (bytes - 1) != 0 || bytes > 1 << 30 {
      throw ValidationError("'--ring-buffer-size': give a power of two from \(Host.pageSize) bytes to 1 GiB")
    }
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
