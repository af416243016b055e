import ArgumentParser
import Capture
import LinuxSystem
import ProfileModel
import Rendering
import Storage
import Symbolication

struct OnCPUCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "oncpu",
    abstract: "Record where threads run.",
    discussion: """
      Samples every CPU at a fixed rate and keeps what the targets were running: kernel stack, user stack, thread. \
      The task is stored; 'swprof report' draws it later. Ctrl-C ends the capture early and keeps it. \
      With '-- COMMAND' the exit status is the command's.
      """)

  @OptionGroup(title: "Target") var target: TargetOptions

  @Option(
    help: ArgumentHelp("How long: 500ms, 10s, 10m. Default 30s; with a command, until it ends.", valueName: "time"))
  var duration: Duration?

  @Option(help: ArgumentHelp("Samples a second and CPU.", valueName: "hertz"))
  var freq = 99

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

  @Option(help: .hidden)
  var ringBufferSize = ByteCount(bytes: 1 << 21)

  @Option(help: .hidden)
  var withoutFeature: [KernelFeature] = []

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

  func validate() throws {
    let highest = Self.highestFrequency
    if !(1...highest).contains(freq) {
      throw ValidationError(
        "'--freq \(freq)': give 1 to \(highest) (kernel.perf_event_max_sample_rate sets the upper bound)")
    }
    let size = ringBufferSize.bytes
    if size < UInt32(Host.pageSize) || size & (size - 1) != 0 || size > 1 << 30 {
      throw ValidationError("'--ring-buffer-size': give a power of two from \(Host.pageSize) bytes to 1 GiB")
    }
  }

  /// The kernel's own limit; 100,000 where it does not say.
  private static var highestFrequency: Int {
    let text = (try? OpenFile.text(of: "/proc/sys/kernel/perf_event_max_sample_rate")) ?? ""
    return text.split(separator: "\n").first.flatMap { Int($0) } ?? 100_000
  }

  func run() throws {
    try CaptureSession(self).run()
  }
}

extension UnwindChoice: ExpressibleByArgument {}
extension KernelFeature: ExpressibleByArgument {}
