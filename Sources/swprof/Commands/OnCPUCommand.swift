import ArgumentParser
import Capture
import ProfileModel

struct OnCPUCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "oncpu",
    abstract: "Record where threads run.",
    discussion: """
      EXAMPLES
        sudo swprof oncpu --pid 4711
        sudo swprof oncpu --all --duration 10s
        sudo swprof oncpu --svg -o bench.svg -- ./bench -n 3

      Samples every CPU and keeps what the targets were running: kernel stack, user stack, thread. \
      The task is stored; 'swprof report' draws it later. Ctrl-C ends the capture early and keeps it. \
      With '-- COMMAND' the exit status is the command's.
      """)

  @Option(help: ArgumentHelp("Samples a second and CPU, on average.", valueName: "hertz"))
  var freq = 99

  @OptionGroup var jitter: JitterOptions

  @OptionGroup var options: CaptureOptions

  func validate() throws {
    try options.result.output.requireStackFormat()
    try Self.validate(frequencyHertz: freq)
  }

  static func validate(frequencyHertz freq: Int) throws {
    let highest = OnCPUCapture.highestFrequency
    if !(1...highest).contains(freq) {
      throw ValidationError(
        "'--freq \(freq)': give 1 to \(highest) (kernel.perf_event_max_sample_rate sets the upper bound)")
    }
  }

  var spec: TaskSpec { options.spec(.onCPU(jitter.options(frequencyHertz: freq))) }

  func run() throws {
    try CaptureOutput(options.result).run(spec, options.tuning.tuning)
  }
}
