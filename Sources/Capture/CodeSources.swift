import LinuxSystem
import ProfileModel

/// Everything that code was seen to come from, each file once and opened while it can be.
struct CodeSources {
  private struct FileKey: Hashable {
    let device: UInt64
    let inode: UInt64
    let path: String
  }

  static let kernel: SourceIndex = 0
  static let vdso: SourceIndex = 1

  private(set) var sources: [CodeSource] = [.kernel, .vdso]
  private var files: [FileKey: SourceIndex] = [:]
  private var missing: [FileKey: SourceIndex] = [:]

  mutating func add(_ source: CodeSource) -> SourceIndex {
    sources.append(source)
    return SourceIndex(sources.count - 1)
  }

  /// The source of a file mapping; the file is opened now if it has not been.
  ///
  /// - Parameter open: tries to open the mapped file; called once for each file as long as it succeeds.
  mutating func file(for mapping: MemoryMapping, open: () -> OpenFile?) -> SourceIndex {
    let key = FileKey(device: mapping.device, inode: mapping.inode, path: mapping.path)
    if let known = files[key] { return known }
    if let file = open() {
      let index = add(.file(file, path: mapping.path))
      files[key] = index
      return index
    }
    // Not remembered as a file: the next process that maps it may still let us open it.
    if let known = missing[key] { return known }
    let index = add(.missing(path: mapping.path))
    missing[key] = index
    return index
  }
}
