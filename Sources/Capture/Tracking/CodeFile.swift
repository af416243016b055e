import CProbes
import ELF
import Glibc
import LinuxSystem

extension ProcessTracker {
  /// How the kernel side recognizes the file of a source; nil for sources that are none. Costs a system call.
  func identity(of source: SourceIndex) -> swprof_file_identity? {
    if source == CodeSources.vdso { return swprof_file_identity() }
    guard let place = filePlace(of: source), case .file(let file, _) = sources[Int(source)],
      let status = try? file.status()
    else { return nil }
    var identity = swprof_file_identity()
    identity.inode = place.inode
    identity.changed_s = UInt64(bitPattern: Int64(status.st_ctim.tv_sec))
    identity.changed_ns = UInt32(truncatingIfNeeded: status.st_ctim.tv_nsec)
    identity.device = UInt32(truncatingIfNeeded: (place.device >> 32) << 20 | place.device & 0xF_FFFF)
    return identity
  }
}

extension swprof_file_identity {
  func isSame(as other: swprof_file_identity) -> Bool {
    inode == other.inode && device == other.device && changed_s == other.changed_s && changed_ns == other.changed_ns
  }
}

extension swprof_code_file {
  /// The table of a file for all who map it.
  ///
  /// - Returns: nil where the offset of a mapping does not tell which code it shows, and where there is no table yet.
  init?(_ outcome: UnwindTables.Outcome) {
    switch outcome {
    case .noRoom: return nil
    case .none:
      self.init()
      module = UInt32(SWPROF_MODULE_NONE)
    case .ready(let table, let segments):
      self.init(module: table.line, segments)
    }
  }

  init?(module: UInt32, _ segments: [ELFFile.Segment]) {
    self.init()
    self.module = module
    let page = UInt64(Host.pageSize)
    for code in segments.filter({ $0.isExecutable && $0.fileSize > 0 }) {
      let (end, overflow) = code.fileOffset.addingReportingOverflow(code.fileSize)
      guard !overflow, end <= .max - page, count < UInt32(SWPROF_FILE_SEGMENTS_MAX) else { return nil }
      let segment = swprof_file_segment(
        start: code.fileOffset / page * page, end: (end + page - 1) / page * page,
        bias: code.virtualAddress &- code.fileOffset)
      guard !known.contains(where: { $0.start < segment.end && segment.start < $0.end }) else { return nil }
      append(segment)
    }
  }

  private var known: [swprof_file_segment] {
    Array([segments.0, segments.1, segments.2, segments.3].prefix(Int(count)))
  }

  private mutating func append(_ segment: swprof_file_segment) {
    switch count {
    case 0: segments.0 = segment
    case 1: segments.1 = segment
    case 2: segments.2 = segment
    default: segments.3 = segment
    }
    count += 1
  }
}
