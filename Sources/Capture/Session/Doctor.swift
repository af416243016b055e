import BPF
import Glibc
import LinuxSystem
package import ProfileModel

/// Tries everything that a capture needs.
package enum Doctor {
  package static func examine() -> [Finding] {
    [
      kernel(), kernelTypes(), capabilities(), tracing(), otherUsers(), mappedFiles(), perfEvents(), ringBuffer(),
      tracepoints(),
      stackDepth(), kernelNames(), trialCapture(), offCPUTrial(), networkTrial(),
    ]
  }

  private static func finding(
    _ check: String, _ isOK: Bool, _ detail: String, otherwise verdict: Finding.Verdict, _ meaning: String
  ) -> Finding {
    Finding(check: check, verdict: isOK ? .ok : verdict, detail: detail, meaning: isOK ? "" : meaning)
  }

  private static func kernel() -> Finding {
    let release = Host.kernelRelease
    let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    let isRecent = numbers.count == 2 && (numbers[0], numbers[1]) >= (5, 15)
    return finding(
      "kernel", isRecent, "Linux \(release)", otherwise: .limited,
      "swprof is made for Linux 5.15 and later; an earlier kernel may refuse its programs")
  }

  private static func kernelTypes() -> Finding {
    finding(
      "btf", FeatureProbe.hasKernelTypes, "/sys/kernel/btf/vmlinux", otherwise: .missing,
      "the kernel does not describe its types; use one built with CONFIG_DEBUG_INFO_BTF, or 'perf record' on this one")
  }

  private static func capabilities() -> Finding {
    let needed: [Capability] = [.bpf, .perfmon]
    let missing = Capability.sysAdmin.isEffective ? [] : needed.filter { !$0.isEffective }
    return finding(
      "capabilities", missing.isEmpty,
      missing.isEmpty ? "CAP_BPF and CAP_PERFMON" : "missing " + missing.map(\.name).joined(separator: ", "),
      otherwise: .missing, "run as root, or grant them: setcap cap_bpf,cap_perfmon+ep swprof")
  }

  private static func tracing() -> Finding {
    let isAllowed = Capability.sysPtrace.isEffective
    return finding(
      "ptrace", isAllowed, isAllowed ? "CAP_SYS_PTRACE" : "no CAP_SYS_PTRACE", otherwise: .limited,
      "the mappings of other users' processes cannot be read; their frames stay without names")
  }

  private static func otherUsers() -> Finding {
    let isAllowed = Capability.dacReadSearch.isEffective
    return finding(
      "files", isAllowed, isAllowed ? "CAP_DAC_READ_SEARCH" : "no CAP_DAC_READ_SEARCH", otherwise: .limited,
      "programs and perf-maps that only other users may read give no names")
  }

  /// Tries to open a file by a mapping. That takes a capability of its own (`map_files_get_link` in the kernel's
  /// fs/proc/base.c; CAP_SYS_ADMIN before Linux 5.9), in the initial user namespace.
  private static func mappedFiles() -> Finding {
    let maps = (try? OpenFile.contents(of: "/proc/self/maps")) ?? []
    let mapping = MemoryMapping.executable(inMaps: maps).first { $0.path.beginsWithBytes(of: "/") }
    let range = mapping.map { String($0.start, radix: 16) + "-" + String($0.end, radix: 16) } ?? ""
    let failure: OpenRefusal?
    do {
      _ = try OpenFile.examined("/proc/self/map_files/\(range)", types: [.regular])
      failure = nil
    } catch { failure = error }
    return finding(
      "map_files", failure == nil, failure.map { "/proc/PID/map_files: \($0)" } ?? "/proc/PID/map_files",
      otherwise: .limited,
      "code of deleted or replaced files and of memfd files stays without names; grant CAP_CHECKPOINT_RESTORE"
        + " (before Linux 5.9: CAP_SYS_ADMIN)")
  }

  private static func perfEvents() -> Finding {
    let level = firstLine("/proc/sys/kernel/perf_event_paranoid") ?? "unknown"
    do {
      _ = try PerfEvent.ticking(.cpuClock, cpu: 0, periodNanoseconds: 10_000_000)
      let hasCycles = (try? PerfEvent.ticking(.cycles, cpu: 0, periodNanoseconds: 10_000_000)) != nil
      return finding(
        "perf_event", true, hasCycles ? "hardware cycles" : "cpu-clock (this machine counts no hardware cycles)",
        otherwise: .missing, "")
    } catch {
      return finding(
        "perf_event", false, "\(error); kernel.perf_event_paranoid is \(level)", otherwise: .missing,
        "nothing can be sampled; run as root or grant CAP_PERFMON")
    }
  }

  private static func ringBuffer() -> Finding {
    switch FeatureProbe.ringBuffer() {
    case .success:
      finding("ringbuf", true, "BPF ring buffer", otherwise: .missing, "")
    case .failure(let cause):
      finding("ringbuf", false, "\(cause)", otherwise: .missing, "needs Linux 5.8 and CAP_BPF")
    }
  }

  private static func tracepoints() -> Finding {
    let needed = ["sched_process_fork", "sched_process_exec", "sched_process_exit"]
    let types = KernelTypes()
    let missing = needed.filter { !types.hasTracepoint($0) }
    return finding(
      "tracepoints", missing.isEmpty,
      missing.isEmpty ? needed.joined(separator: ", ") : "missing " + missing.joined(separator: ", "),
      otherwise: .missing, "processes cannot be followed; use a kernel built with CONFIG_TRACEPOINTS and BTF")
  }

  private static func stackDepth() -> Finding {
    let depth = firstLine("/proc/sys/kernel/perf_event_max_stack") ?? "unknown"
    return finding(
      "stack_depth", true, "user stacks to 1024 frames, kernel stacks to \(depth)", otherwise: .limited, "")
  }

  private static func kernelNames() -> Finding {
    let level = firstLine("/proc/sys/kernel/kptr_restrict") ?? "unknown"
    let isVisible = kernelAddressesAreVisible()
    return finding(
      "kptr_restrict", isVisible, level, otherwise: .limited,
      "kernel frames have no names; as root: sysctl kernel.kptr_restrict=0")
  }

  /// The real thing, for the time of its loading: everything above may be fine and the verifier still say no.
  private static func trialCapture() -> Finding {
    let options = OnCPUOptions(frequencyHertz: 1, hasJitter: false)
    return trial("trial", "on-CPU", .onCPU(options), otherwise: .missing, "no profile can be taken") {
      request throws(CaptureError) in
      let capture = try OnCPUCapture(request, frequencyHertz: options.frequencyHertz, jitterSeed: nil) { _ in .none }
      return (try capture.arm().unwind, capture.verifiedInstructions)
    }
  }

  private static func offCPUTrial() -> Finding {
    let parameters = OffCPUOptions(wakers: true)
    return trial("offcpu", "off-CPU", .offCPU(parameters), otherwise: .limited, "'swprof offcpu' does not run here") {
      request throws(CaptureError) in
      let capture = try OffCPUCapture(request, parameters, tableCapacity: 1) { _ in .none }
      return (try capture.arm().unwind, capture.verifiedInstructions)
    }
  }

  private static func networkTrial() -> Finding {
    let parameters = NetworkOptions()
    let request = ResolvedTask(TaskSpec(kind: .network(parameters)), ringBufferBytes: UInt32(Host.pageSize))
    let options = NetworkCapture.Options(
      parameters: parameters, isListed: { _ in true }, shownPath: { $0 }, sampledPath: { $0 },
      shownMessage: { _ in "" },
      speaks: { _ in .unknown }, tableCapacity: 1)
    do {
      let start = Clock.monotonic
      let capture = try NetworkCapture(request, options)
      let event = try capture.arm().event
      let milliseconds = Clock.monotonic.nanoseconds(since: start) / 1_000_000
      return finding(
        "network", capture.source.kind == .sockets,
        "the network programs load and attach in \(milliseconds) ms: \(event)", otherwise: .limited,
        "io_uring, sendmmsg and what else goes past read and write calls is invisible to 'swprof network'")
    } catch {
      return finding("network", false, error.description, otherwise: .limited, "'swprof network' does not run here")
    }
  }

  private static func trial(
    _ check: String, _ programs: String, _ kind: TaskSpec.Kind, otherwise verdict: Finding.Verdict, _ meaning: String,
    arm: (ResolvedTask) throws(CaptureError) -> (unwind: String, verifiedInstructions: UInt32?)
  ) -> Finding {
    let request = ResolvedTask(TaskSpec(kind: kind), ringBufferBytes: UInt32(Host.pageSize))
    do {
      let start = Clock.monotonic
      let capture = try arm(request)
      let milliseconds = Clock.monotonic.nanoseconds(since: start) / 1_000_000
      let verified = capture.verifiedInstructions.map { ", \($0) instructions verified" } ?? ""
      return finding(
        check, capture.unwind == "dwarf", "the \(programs) programs load and attach in \(milliseconds) ms\(verified)",
        otherwise: .limited, "stacks are walked by frame pointers: the walk by unwind tables does not load")
    } catch {
      return finding(check, false, error.description, otherwise: verdict, meaning)
    }
  }

  private static func kernelAddressesAreVisible() -> Bool {
    guard let file = try? OpenFile("/proc/kallsyms"), let head = try? file.read(limit: 4096) else { return false }
    let lines = head.split(separator: UInt8(ascii: "\n")).dropLast()
    return lines.contains { $0.prefix(16).contains { $0 != UInt8(ascii: "0") } }
  }

  private static func firstLine(_ path: String) -> String? {
    guard let text = try? OpenFile.text(of: path) else { return nil }
    return text.split(separator: "\n").first.map(String.init)
  }
}
