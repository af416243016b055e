import BPF
import LinuxSystem

/// What the kernel lets this process do.
package enum Privileges {
  /// Throws unless BPF programs and perf events of other processes are allowed.
  package static func check() throws(CaptureError) {
    if Capability.sysAdmin.isEffective { return }
    let missing = [Capability.bpf, .perfmon].filter { !$0.isEffective }
    if !missing.isEmpty { throw .notPermitted(missing: missing, operation: "profiling with eBPF") }
  }
}

extension CaptureError {
  /// Runs an operation of the BPF and system layers and puts its error into this layer's terms.
  static func translating<Value: ~Copyable>(_ operation: () throws -> Value) throws(CaptureError) -> Value {
    do { return try operation() } catch { throw translated(error) }
  }

  /// An error of the BPF and system layers in this layer's terms.
  static func translated(_ error: any Error) -> CaptureError {
    switch error {
    case let error as CaptureError: error
    case let error as BPFError: CaptureError(error)
    case let error as Errno: .system(operation: "cannot open perf events", error)
    default: .system(operation: "cannot start the capture: \(error)", .invalid)
    }
  }

  init(_ error: BPFError) {
    if case .load = error.operation, !FeatureProbe.hasKernelTypes {
      self = .missingFeature(
        "this kernel does not describe its types (/sys/kernel/btf/vmlinux is missing, empty or damaged); use a kernel built with"
          + " CONFIG_DEBUG_INFO_BTF, or 'perf record' on this one")
    } else {
      self = .bpf(BPFFailure(sentence: error.description, cause: error.cause))
    }
  }
}
