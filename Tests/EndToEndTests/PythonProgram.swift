import CProbes
import Capture
import CommandRunning
import Foundation
import LinuxSystem
import ProfileModel
import Testing

/// A Python program that runs, and has printed where its code objects are.
final class PythonProgram {
  let process: ProcessID
  private let command: RunningCommand
  private let names: [UInt64: String]

  init(_ python: PythonInterpreter, _ arguments: [String], _ bench: Workbench) throws {
    command = try bench.start(try python.command(running: bench.workload("python_calls.py")) + arguments)
    let line = try command.waitForLine(startingWith: "ready ")
    let codes = try JSONDecoder().decode([String: UInt64].self, from: Data(line.dropFirst("ready ".count).utf8))
    names = Dictionary(uniqueKeysWithValues: codes.map { ($0.value, $0.key) })
    process = ProcessID(rawValue: command.pid)
  }

  deinit { command.kill() }

  private final class Samples {
    var list: [SampleRecord] = []
  }

  private func capture(hertz: Int, _ change: (inout ResolvedTask) -> Void = { _ in }) throws -> (OnCPUCapture, Samples)
  {
    var spec = TaskSpec(target: .processes([process]), kind: .onCPU(OnCPUOptions(frequencyHertz: hertz)))
    spec.options.side = .user
    var request = ResolvedTask(spec, ringBufferBytes: 1 << 20)
    change(&request)
    let samples = Samples()
    let capture = try OnCPUCapture(request, frequencyHertz: hertz, jitterSeed: 1) { _ in .none }
    _ = try capture.arm()
    capture.observe = { samples.list.append($0) }
    return (capture, samples)
  }

  /// Samples it, or its children from the signal on at which it forks.
  func sample(hertz: Int, count: Int, ofChildren: Bool = false) throws -> [SampleRecord] {
    let (capture, samples) = try capture(hertz: hertz)
    if ofChildren { command.send(SIGUSR1) }
    try waitUntil("\(count) samples") {
      try capture.drain()
      samples.list.removeAll { ($0.process == process) == ofChildren }
      return samples.list.count >= count
    }
    _ = try capture.finish()
    return samples.list
  }

  /// Stops it at each sample in user mode, has it looked at, and lets it go on.
  func stopAndGo(_ count: Int, _ look: (SampleRecord) throws -> Void) throws {
    let (capture, samples) = try capture(hertz: 997) { $0.stopsSampledThreads = true }
    defer { command.send(SIGCONT) }
    var seen = 0
    try waitUntil("\(count) stops") {
      try capture.drain()
      guard !samples.list.isEmpty else { return false }
      try waitUntil("the program to stop") {
        try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8).contains("State:\tT")
      }
      try capture.drain()
      // The last one is where it stands still.
      if let sample = samples.list.last, sample.kernelStack.isEmpty {
        try look(sample)
        seen += 1
      }
      samples.list = []
      command.send(SIGCONT)
      return seen >= count
    }
  }

  /// Records its waits until it ends, or for some time.
  func waits(milliseconds: UInt64? = nil) throws -> RawProfile {
    var spec = TaskSpec(target: .processes([process]), kind: .offCPU(OffCPUOptions()))
    spec.options.side = .user
    let request = ResolvedTask(spec, ringBufferBytes: 1 << 20)
    let capture = try OffCPUCapture(request, OffCPUOptions(), tableCapacity: 4096) { _ in .none }
    _ = try capture.arm()
    let end = milliseconds.map { Clock.monotonic + $0 * 1_000_000 }
    try waitUntil("the program to end") {
      try capture.drain()
      return capture.hasNoTargetLeft || end.map { Clock.monotonic >= $0 } ?? false
    }
    guard case .profile(let raw) = try capture.finish() else { preconditionFailure("waits are a profile") }
    return raw
  }

  /// The functions of a stack from root to leaf; native frames that follow each other are one "-".
  func stack(_ sample: SampleRecord) -> [String] {
    var result: [String] = []
    var end = sample.userStack.count
    let announcement = UInt64(SWPROF_FRAME_RUNTIME) + UInt64(SWPROF_RUNTIME_PYTHON.rawValue)
    while end > 0 {
      end -= 1
      switch sample.userStack[end] {
      case announcement:
        end -= 2
        result.append(names[sample.userStack[end + 1]] ?? "?")
      case UInt64(SWPROF_FRAME_PYTHON_NOT_MERGED): result.append("[python|native not merged]")
      case UInt64(SWPROF_FRAME_PYTHON_TRUNCATED): result.append("[truncated]")
      case UInt64(SWPROF_FRAME_PYTHON_UNREADABLE): result.append("[unreadable]")
      default: if result.last != "-" { result.append("-") }
      }
    }
    return result
  }

  /// The Python functions of a stack of a profile, from root to leaf.
  func functions(of raw: RawProfile, _ stack: Int32) -> [String] {
    raw.stacks.path(to: stack).compactMap { location in
      guard case .runtime(let number) = raw.locations[Int(location)] else { return nil }
      return names[raw.runtimeFrames[Int(number)].object] ?? "?"
    }
  }
}
