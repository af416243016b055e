import CLibBPF
import Glibc
package import LinuxSystem

/// What the running kernel offers, found out by trying, never by its version.
package enum FeatureProbe {
  /// `BTF_KIND_FUNC` (Documentation/bpf/btf.rst), which headers have twice.
  private static var functionKind: UInt32 { 12 }

  /// Whether the kernel describes its own types (`CONFIG_DEBUG_INFO_BTF`).
  package static var hasKernelTypes: Bool {
    unsafe access("/sys/kernel/btf/vmlinux", R_OK) == 0
  }

  /// Whether a ring buffer map can be made (kernel 5.8).
  package static func ringBuffer() -> Result<Void, Errno> {
    let descriptor = unsafe bpf_map_create(
      BPF_MAP_TYPE_RINGBUF, "swprof_probe", 0, 0, UInt32(Host.pageSize), nil)
    guard descriptor >= 0 else { return .failure(Errno(code: -descriptor)) }
    close(descriptor)
    return .success(())
  }

  /// Whether the kernel's type description has a function of this name, as those have that programs may call.
  package static func hasFunction(_ name: String) -> Bool {
    guard let types = unsafe btf__load_vmlinux_btf() else { return false }
    defer { unsafe btf__free(types) }
    return unsafe btf__find_by_name_kind(types, name, functionKind) > 0
  }

  /// Whether a structure of the kernel's has a member of this name.
  package static func hasMember(_ name: String, of structure: String) -> Bool {
    guard let types = unsafe btf__load_vmlinux_btf() else { return false }
    defer { unsafe btf__free(types) }
    let id = unsafe btf__find_by_name_kind(types, structure, UInt32(BTF_KIND_STRUCT))
    guard id > 0, let type = unsafe btf__type_by_id(types, UInt32(id)) else { return false }
    let members = unsafe UnsafeRawPointer(type + 1).assumingMemoryBound(to: btf_member.self)
    return (0..<Int(unsafe type.pointee.info & 0xffff)).contains { index in
      guard let text = unsafe btf__name_by_offset(types, members[index].name_off) else { return false }
      return unsafe strcmp(text, name) == 0
    }
  }

  /// The names of an enumeration of the kernel's, by their numbers; empty where it has none of that name.
  package static func names(ofEnumeration name: String) -> [UInt32: String] {
    guard let types = unsafe btf__load_vmlinux_btf() else { return [:] }
    defer { unsafe btf__free(types) }
    let id = unsafe btf__find_by_name_kind(types, name, UInt32(BTF_KIND_ENUM))
    guard id > 0, let type = unsafe btf__type_by_id(types, UInt32(id)) else { return [:] }
    // Behind a type stand its members (Documentation/bpf/btf.rst).
    let count = Int(unsafe type.pointee.info & 0xffff)
    let members = unsafe UnsafeRawPointer(type + 1).assumingMemoryBound(to: btf_enum.self)
    var names: [UInt32: String] = [:]
    for index in 0..<count {
      let member = unsafe members[index]
      guard let text = unsafe btf__name_by_offset(types, member.name_off) else { continue }
      names[UInt32(bitPattern: member.val)] = unsafe String(cString: text)
    }
    return names
  }

  /// Whether the kernel's type description has a tracepoint of this name, so that `tp_btf` can attach to it.
  package static func hasTracepoint(_ name: String) -> Bool {
    guard let types = unsafe btf__load_vmlinux_btf() else { return false }
    defer { unsafe btf__free(types) }
    return unsafe btf__find_by_name_kind(types, "btf_trace_\(name)", UInt32(BTF_KIND_TYPEDEF)) > 0
  }
}
