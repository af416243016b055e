import ArgumentParser
import ProfileModel
import Recording

struct OffCPUCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "offcpu",
    abstract: "Record where threads wait.",
    discussion: """
      EXAMPLES
        sudo swprof offcpu --pid 4711
        sudo swprof offcpu --comm nginx --min-block 10ms --wakers
        sudo swprof offcpu --by count --folded -o waits.folded -- ./bench

      Looks at every switch between threads and keeps, for each stack that the targets waited in, how often and for how \
      long. A wait that began before the capture or goes on at its end counts for its part within it, and is marked \
      'open'. What is not recorded, because it was too short or of another phase, is summed up.
      """)

  @Option(
    help: ArgumentHelp("Record waits of this length or more: 1us, 10ms, 0. (default: 1us)", valueName: "time"),
    transform: OptionReading.time)
  var minBlock = TimeLength(nanoseconds: 1000)

  @Option(
    help: ArgumentHelp("Record waits of this length or less.", valueName: "time"), transform: OptionReading.time)
  var maxBlock: TimeLength?

  @Option(
    help: ArgumentHelp(
      "Record this: blocked (until woken), runqueue (from then on), preempted, yielded, throttled (by a CPU limit), or all."
        + " Can be repeated.",
      valueName: "phase"))
  var phase: [PhaseChoice] = []

  @Option(
    help: ArgumentHelp(
      "Record waits in these states, as ps(1) writes them: S, D, T, t, I, P; several as D,S.", valueName: "letters"))
  var state: StateList?

  @Flag(help: "Record who ended each wait, and draw its stack above the sleeper's.")
  var wakers = false

  @Flag(help: "With --all: record the kernel's own threads too.")
  var kernelThreads = false

  @Option(help: .hidden)
  var tableSize: UInt32 = 1 << 16

  @OptionGroup var options: CaptureOptions

  func validate() throws {
    try options.result.output.requireStackFormat()
    if let maxBlock, maxBlock.nanoseconds < minBlock.nanoseconds {
      throw ValidationError("'--max-block' is below '--min-block': no wait is that long and that short")
    }
    if kernelThreads, !options.target.all {
      throw ValidationError("'--kernel-threads' goes with '--all'; name a kernel thread with --pid or --comm otherwise")
    }
    if !(1...1 << 24).contains(tableSize) { throw ValidationError("'--table-size': give 1 to \(1 << 24)") }
  }

  var spec: TaskSpec { options.spec(.offCPU(parameters)) }

  private var parameters: OffCPUOptions {
    OffCPUOptions(
      minimumNanoseconds: minBlock.nanoseconds, maximumNanoseconds: maxBlock?.nanoseconds, phases: phases,
      states: state?.states.map(\.rawValue), wakers: wakers, kernelThreads: kernelThreads)
  }

  func run() throws {
    var tuning = options.tuning.tuning
    tuning.tableCapacity = tableSize
    try CaptureOutput(options.result).run(spec, tuning)
  }

  private var phases: [Phase] {
    if phase.isEmpty { return [.blocked] }
    return Phase.allCases.filter { known in phase.contains { $0 == .all || $0.rawValue == known.rawValue } }
  }
}

enum PhaseChoice: String, ExpressibleByArgument, CaseIterable {
  case blocked
  case runqueue
  case preempted
  case yielded
  case throttled
  case all
}

/// Letters of ps(1), with or without commas between them.
struct StateList: ExpressibleByArgument {
  let states: [WaitState]

  init?(argument: String) {
    guard let states = WaitState.list(reading: argument) else { return nil }
    self.states = states
  }
}
