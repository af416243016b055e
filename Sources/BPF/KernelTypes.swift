import CLibBPF
import Glibc

/// The running kernel's description of its own types, read once (some 20 ms) and asked by name for what there is.
///
/// Where the kernel has none, there is nothing in it.
@safe package struct KernelTypes: ~Copyable {
  /// `BTF_KIND_FUNC` (Documentation/bpf/btf.rst), which headers have twice.
  private static var functionKind: UInt32 { 12 }

  private let types: OpaquePointer?

  package init() { unsafe types = btf__load_vmlinux_btf() }

  deinit { unsafe btf__free(types) }

  /// Whether the kernel describes none of its types, or what it says cannot be read.
  var isEmpty: Bool { unsafe types == nil }

  /// Whether there is a function of this name, as those have that programs may call.
  package func hasFunction(_ name: String) -> Bool { find(name, Self.functionKind) != nil }

  /// Whether there is a tracepoint of this name, so that `tp_btf` can attach to it.
  package func hasTracepoint(_ name: String) -> Bool { find("btf_trace_\(name)", UInt32(BTF_KIND_TYPEDEF)) != nil }

  /// Whether a structure has a member of this name.
  package func hasMember(_ name: String, of structure: String) -> Bool {
    guard let id = find(structure, UInt32(BTF_KIND_STRUCT)), let type = unsafe btf__type_by_id(types, id) else {
      return false
    }
    // Behind a type stand its members (Documentation/bpf/btf.rst).
    let members = unsafe UnsafeRawPointer(type + 1).assumingMemoryBound(to: btf_member.self)
    return (0..<Int(unsafe type.pointee.info & 0xffff)).contains { index in
      guard let text = unsafe btf__name_by_offset(types, members[index].name_off) else { return false }
      return unsafe strcmp(text, name) == 0
    }
  }

  /// The names of an enumeration, by their numbers; empty where there is none of that name.
  package func names(ofEnumeration name: String) -> [UInt32: String] {
    guard let id = find(name, UInt32(BTF_KIND_ENUM)), let type = unsafe btf__type_by_id(types, id) else { return [:] }
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

  private func find(_ name: String, _ kind: UInt32) -> UInt32? {
    guard let types = unsafe types else { return nil }
    let id = unsafe btf__find_by_name_kind(types, name, kind)
    return id > 0 ? UInt32(id) : nil
  }
}
