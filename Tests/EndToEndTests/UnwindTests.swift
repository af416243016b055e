import CommandRunning
import Capture
import ELF
import Foundation
import LinuxSystem
import ProfileModel
import Testing
import Unwinding

extension EndToEnd {
  /// Walks by unwind tables, against the stacks that elfutils finds in the same threads at the same moment.
  @Suite struct UnwindTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `stacks are those that elfutils finds, frame for frame`() throws {
      var truth = StackComparison()
      let registers = try bench.compileWithoutFramePointers("registers")
      // An emulated machine takes a second for each.
      let wanted = PrecompiledWorkloads.current == nil ? 1_000 : 100
      let samplesEach = wanted / UnwindProgram.present.count + 1
      for program in UnwindProgram.present {
        let workload = try program.start(bench)
        defer { workload.kill() }
        try truth.compare(workload.pid, samples: samplesEach, name: program.rawValue, registers, bench)
      }

      #expect(truth.compared >= wanted)
      #expect(truth.walkedOtherwise.isEmpty, "\(truth.walkedOtherwise.prefix(5).joined(separator: "\n"))")
      // elfutils is wrong too, now and then: of a hundred stacks one must not decide.
      let wrong = truth.compared - truth.equal
      #expect(wrong <= max(2, truth.compared / 200), "\(truth.differences.joined(separator: "\n"))")
    }

    @Test func `the kernel finds mappings that it was not told of, and walks through them alike`() throws {
      var truth = StackComparison()
      truth.publishesMappings = false
      let registers = try bench.compileWithoutFramePointers("registers")
      let wanted = PrecompiledWorkloads.current == nil ? 100 : 20
      // One has its functions in several libraries, the other enters the vDSO and is interrupted by signals.
      for program in [UnwindProgram.openssl, .signalHandler] {
        let workload = try program.start(bench)
        defer { workload.kill() }
        try truth.compare(workload.pid, samples: wanted, name: program.rawValue, registers, bench)
      }

      #expect(truth.walkedOtherwise.isEmpty, "\(truth.walkedOtherwise.prefix(5).joined(separator: "\n"))")
      let wrong = truth.compared - truth.equal
      #expect(wrong <= max(1, truth.compared / 100), "\(truth.differences.joined(separator: "\n"))")
    }

    @Test func `stacks that no table was ready for are walked when the capture ends`() throws {
      let workload = try bench.startWorkload([try bench.compileWithoutFramePointers("alloca_recursion"), "40"])

      // No table finds room.
      let stacks = try bench.capture([
        "--pid", "\(workload.pid)", "--user", "--freq", "499", "--duration", "1s", "--capacity", "unwind_lines=40",
      ])

      #expect(stacks.total > 100)
      let share = stacks.percentage { stack in
        !stack.isTruncated && stack.userFrames.count { $0 == "recurse" } == 40 && stack.userFrames.contains("main")
      }
      #expect(share >= 95, "\(stacks.stacks.max { $0.count < $1.count }?.names ?? [])")
    }

    @Test(arguments: UnwindProgram.present)
    func `stacks reach their root`(program: UnwindProgram) throws {
      let workload = try program.start(bench)

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "2s", "--user"])

      #expect(stacks.total > 200)
      #expect(stacks.percentage { !$0.isTruncated } >= 99)
    }
  }
}

/// Samples of threads that stand still where they were sampled, compared with elfutils' view of them.
private struct StackComparison {
  /// Whether the kernel side is told of mappings, or finds them itself.
  var publishesMappings = true
  private(set) var compared = 0
  private(set) var equal = 0
  private(set) var differences: [String] = []
  /// Samples of which the walk in Swift, from the same registers and memory, says something else.
  private(set) var walkedOtherwise: [String] = []

  private final class Samples {
    var list: [SampleRecord] = []
  }

  mutating func compare(_ process: Int32, samples wanted: Int, name: String, _ registers: String, _ bench: Workbench)
    throws
  {
    var spec = TaskSpec(
      target: .processes([ProcessID(rawValue: process)]), kind: .onCPU(OnCPUOptions(frequencyHertz: 997)))
    spec.options.unwind = .dwarf
    var request = ResolvedTask(spec, ringBufferBytes: 1 << 20)
    request.stopsSampledThreads = true
    request.publishesMappings = publishesMappings
    let samples = Samples()
    let capture = try OnCPUCapture(request, frequencyHertz: 997, jitterSeed: 1) { _ in .none }
    _ = try capture.arm()
    capture.observe = { samples.list.append($0) }
    defer { kill(process, SIGCONT) }
    let goal = compared + wanted
    let reference = try ReferenceWalk(process, registersProgram: registers)
    try waitUntil("\(wanted) samples of \(name)", 60) {
      try capture.drain()
      if samples.list.isEmpty { return false }
      try waitUntil("\(name) to stop") { try isStopped(process) }
      try capture.drain()
      // A thread that was sampled in the kernel goes on to the end of its system call before it stops.
      var inUserMode = samples.list.filter { $0.kernelStack.isEmpty && !$0.nativeStack.isEmpty }
      // An emulated CPU takes longer for the tables than a capture waits for them. Elsewhere, such stacks count.
      if PrecompiledWorkloads.current != nil { inUserMode.removeAll { $0.userEnd == .notReady } }
      if !inUserMode.isEmpty {
        try compare(inUserMode, of: process, with: try stacks(of: process, bench), name: name)
        // Every so often, as it takes another tracer.
        if compared % 8 == 0 { try walk(inUserMode, process, reference, name: name, bench) }
      }
      samples.list.removeAll()
      kill(process, SIGCONT)
      return compared >= goal
    }
  }

  private mutating func compare(
    _ samples: [SampleRecord], of process: Int32, with truth: [Int32: [UInt64]], name: String
  ) throws {
    for sample in samples {
      var expected = try #require(truth[sample.thread.rawValue], "elfutils does not see thread \(sample.thread)")
      let skipped = sample.nativeStack.count - expected.count
      if skipped > 0, sample.nativeStack[1] == (try callerWithoutFrame(of: sample.thread.rawValue, process: process)) {
        expected.insert(contentsOf: sample.nativeStack[1...skipped], at: 1)
      }
      compared += 1
      if isSame(sample.nativeStack, expected) {
        equal += 1
      } else if differences.count < 20 {
        differences.append("\(name), \(sample.userEnd): \(hex(sample.nativeStack)), elfutils: \(hex(expected))")
      }
    }
  }

  private func isSame(_ frames: [UInt64], _ expected: [UInt64]) -> Bool {
    // A frame that a signal interrupted is given by its instruction pointer + 1.
    frames.count == expected.count
      && zip(frames, expected).enumerated().allSatisfy { index, frame in
        frame.0 == frame.1 || (index > 0 && frame.0 == frame.1 + 1)
      }
  }

  /// The return address of a stopped thread where one instruction tells that its function has no frame pointer yet,
  /// or no longer; nil anywhere else.
  ///
  /// Swift's library has functions that no table describes. elfutils follows the frame pointer there, which is still
  /// that of a caller: it skips the frames below that one.
  private func callerWithoutFrame(of thread: Int32, process: Int32) throws -> UInt64? {
    // proc(5): a negative number, the stack pointer and the instruction pointer of a thread outside system calls.
    let words = try OpenFile.text(of: "/proc/\(process)/task/\(thread)/syscall").split(whereSeparator: \.isWhitespace)
    guard words.count == 3, words[0].hasPrefix("-"), let sp = Int(words[1].dropFirst(2), radix: 16),
      let pc = Int(words[2].dropFirst(2), radix: 16)
    else { return nil }
    let memory = try OpenFile("/proc/\(process)/mem")
    let code = try memory.read(from: pc, limit: 4)
    let (pushFramePointer, setFramePointer, ret): ([UInt8], [UInt8], UInt8) = ([0x55], [0x48, 0x89, 0xE5], 0xC3)
    if code.starts(with: setFramePointer) { return try memory.word(at: sp + 8) }
    guard code.first == ret || code == pushFramePointer + setFramePointer else { return nil }
    return try memory.word(at: sp)
  }

  /// Compares the kernel side's walk with the one in Swift.
  private mutating func walk(
    _ samples: [SampleRecord], _ process: Int32, _ reference: ReferenceWalk, name: String, _ bench: Workbench
  ) throws {
    for sample in samples {
      let stack = try reference.walk(sample.thread.rawValue, bench)
      if stack.frames != sample.nativeStack || "\(stack.end)" != "\(sample.userEnd)" {
        walkedOtherwise.append(
          "\(name), \(sample.userEnd): \(hex(sample.nativeStack)), in Swift, \(stack.end): \(hex(stack.frames))")
      }
    }
  }

  private func hex(_ addresses: [UInt64]) -> String {
    addresses.map { String($0, radix: 16) }.joined(separator: " ")
  }

  private func isStopped(_ process: Int32) throws -> Bool {
    let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")
    return try threads.allSatisfy { thread in
      try String(contentsOfFile: "/proc/\(process)/task/\(thread)/status", encoding: .utf8).contains("State:\tT")
    }
  }

  /// The addresses from leaf to root that eu-stack prints for each thread.
  private func stacks(of process: Int32, _ bench: Workbench) throws -> [Int32: [UInt64]] {
    let result = try bench.run(["eu-stack", "-q", "-n", "0", "-p", "\(process)"])
    var stacks: [Int32: [UInt64]] = [:]
    var thread: Int32 = 0
    for line in result.output.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.first == "TID", let number = words.last?.dropLast() {
        thread = try #require(Int32(number), "\(line)")
      } else if line.hasPrefix("#"), words.count > 1 {
        stacks[thread, default: []].append(try #require(UInt64(words[1].dropFirst(2), radix: 16), "\(line)"))
      }
    }
    return stacks
  }
}

extension OpenFile {
  fileprivate func word(at address: Int) throws -> UInt64 {
    let bytes = try read(from: address, limit: 8)
    return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// `StackWalk` over a live process: its mappings as they were at the start, its memory and its registers as they are.
private struct ReferenceWalk {
  private let memory: OpenFile
  private let ranges: [StackWalk.CodeRange]
  private let registersProgram: String

  init(_ process: Int32, registersProgram: String) throws {
    memory = try OpenFile("/proc/\(process)/mem")
    self.registersProgram = registersProgram
    let maps = try OpenFile.contents(of: "/proc/\(process)/maps")
    ranges = try MemoryMapping.executable(inMaps: maps).map { mapping in
      let file: ELFFile
      if mapping.path == "[vdso]" {
        file = try ELFFile(.memory(try #require(VDSO.image)))
      } else if mapping.inode != 0 {
        file = try ELFFile(ByteSource(OpenFile(mapping.path)))
      } else {
        return StackWalk.CodeRange(
          addresses: mapping.start..<mapping.end, bias: 0, table: nil, isGenerated: true)
      }
      let offset = mapping.path == "[vdso]" ? 0 : mapping.fileOffset
      let segment = try #require(
        file.loads.first { $0.isExecutable && offset >= $0.fileOffset & ~0xFFF && offset < $0.fileOffset + $0.fileSize }
      )
      return StackWalk.CodeRange(
        addresses: mapping.start..<mapping.end,
        bias: segment.virtualAddress &- segment.fileOffset &+ offset &- mapping.start, table: try UnwindTable(file))
    }
  }

  func walk(_ thread: Int32, _ bench: Workbench) throws -> StackWalk.Stack {
    let result = try bench.run([registersProgram, "\(thread)"])
    try #require(result.status == 0, "\(result.errors)")
    let numbers = result.output.split(whereSeparator: \.isWhitespace).compactMap { UInt64($0, radix: 16) }
    try #require(numbers.count == 17)
    let registers = StackWalk.Registers(Array(numbers[1...]) + [numbers[0]])
    return StackWalk.walk(from: registers, through: ranges) { address, size in
      address < 1 << 47 ? try? memory.read(from: Int(address), limit: size) : nil
    }
  }
}
