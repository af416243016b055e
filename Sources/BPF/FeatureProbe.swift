import CLibBPF
import Glibc
package import LinuxSystem

/// What the running kernel offers, found out by trying, never by its version.
package enum FeatureProbe {
  /// Whether the kernel describes its own types (`CONFIG_DEBUG_INFO_BTF`), so that libbpf can read them (some 20 ms).
  package static var hasKernelTypes: Bool { !KernelTypes().isEmpty }

  /// Whether a ring buffer map can be made (kernel 5.8).
  package static func ringBuffer() -> Result<Void, Errno> {
    let descriptor = unsafe bpf_map_create(
      BPF_MAP_TYPE_RINGBUF, "swprof_probe", 0, 0, UInt32(Host.pageSize), nil)
    guard descriptor >= 0 else { return .failure(Errno(code: -descriptor)) }
    close(descriptor)
    return .success(())
  }
}
