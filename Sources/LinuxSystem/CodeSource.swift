package import ProfileModel

/// Where the code that an address points into can be named from.
package enum CodeSource: Sendable {
  /// An ELF file; addresses are file offsets. `path` is what the target calls it.
  case file(OpenFile, path: String)
  /// The kernel and its modules; addresses are kernel addresses.
  case kernel
  /// The vDSO, which is the same image in every 64-bit process; addresses are offsets from its start.
  case vdso
  /// Code without a file; addresses are those of the process. `perfMap` is where its perf-map is looked for, if anywhere.
  case anonymous(ProcessID, perfMap: PerfMapPlace?)
  /// A file that could not be opened any more; addresses are file offsets.
  case missing(path: String)
  /// Addresses of a process that lie in no mapping.
  case unmapped(ProcessID)
}
