import ELF
import LinuxSystem
import ProfileModel

/// A file as /proc/PID/maps names it; not always as fstat(2) does, whose device is another one on Btrfs.
struct FilePlace: Hashable {
  /// `major << 32 | minor`
  let device: UInt64
  let inode: UInt64
}

/// Everything that code was seen to come from, each file once and opened while it can be.
struct CodeSources {
  private struct FileKey: Hashable {
    let device: UInt64
    let inode: UInt64
    let path: String

    init(device: UInt64, inode: UInt64, path: String) {
      self.device = device
      self.inode = inode
      self.path = path
    }

    init(_ mapping: MemoryMapping) {
      self.init(device: mapping.device, inode: mapping.inode, path: mapping.path)
    }
  }

  /// A file that only the process in which it was found may call its own.
  private struct LayeredKey: Hashable {
    let process: ProcessID
    let file: FileKey
  }

  static let kernel: SourceIndex = 0
  static let vdso: SourceIndex = 1

  private(set) var sources: [CodeSource] = [.kernel, .vdso]
  private var files: [FileKey: SourceIndex] = [:]
  private var layered: [LayeredKey: SourceIndex] = [:]
  /// Those of `layered` by what fstat(2) tells of them.
  private var layeredFiles: [FileKey: SourceIndex] = [:]
  private var missing: [FileKey: SourceIndex] = [:]
  /// The vDSO of 32-bit processes, by its bytes: a process may have changed its own.
  private var compatVDSOs: [[UInt8]: SourceIndex] = [:]
  private static let maximumCompatVDSOs = 64

  /// Counts the files of sources by the processes that have mapped them.
  private var openers: FileOpeners
  /// Processes some of whose files were not opened, as they have too many.
  private(set) var overLimit: Set<ProcessID> = []

  init(limits: FileOpeners.Limits = FileOpeners.Limits()) { openers = FileOpeners(limits) }

  /// What /proc/PID/maps says of the files of sources.
  private var places: [SourceIndex: FilePlace] = [:]

  /// Indices of sources that were forgotten, to be given to others.
  private var free: [SourceIndex] = []

  /// The sources that are known now.
  var count: Int { sources.count - free.count }

  mutating func add(_ source: CodeSource) -> SourceIndex {
    if let index = free.popLast() {
      sources[Int(index)] = source
      return index
    }
    sources.append(source)
    return SourceIndex(sources.count - 1)
  }

  /// The source of a file mapping of a process; the file is opened now if it has not been.
  ///
  /// A file that was overwritten since it was opened is another source from then on: its earlier samples belong to code
  /// that is gone.
  ///
  /// - Parameter open: tries to open the mapped file; called once for each file as long as it succeeds.
  mutating func file(for mapping: MemoryMapping, of process: ProcessID, open: () -> MappedFile?) -> SourceIndex {
    if let file = opened(for: mapping, of: process, open: open) { return file }
    // Not remembered as a file: the next process that maps it may still let us open it.
    return missingSource(FileKey(mapping))
  }

  /// The source of the vDSO of a 32-bit process, whose image is not the one of this process.
  ///
  /// - Parameter image: nil where the process cannot be read any more.
  mutating func compatVDSO(_ image: [UInt8]?) -> SourceIndex {
    let path = "[vdso32]"
    guard let image else { return missingSource(FileKey(device: 0, inode: 0, path: path)) }
    if let known = compatVDSOs[image] { return known }
    guard compatVDSOs.count < Self.maximumCompatVDSOs, let file = try? OpenFile.inMemory(path),
      (try? file.append(image)) != nil
    else { return missingSource(FileKey(device: 0, inode: 0, path: path)) }
    let index = add(.file(file, path: path))
    compatVDSOs[image] = index
    return index
  }

  private mutating func missingSource(_ key: FileKey) -> SourceIndex {
    if let known = missing[key] { return known }
    let index = add(.missing(path: key.path))
    missing[key] = index
    return index
  }

  /// The source of a file mapping, as above; nil where the file cannot be opened.
  mutating func opened(for mapping: MemoryMapping, of process: ProcessID, open: () -> MappedFile?) -> SourceIndex? {
    let key = FileKey(mapping)
    let layeredKey = LayeredKey(process: process, file: key)
    if let known = files[key] ?? layered[layeredKey], hasItsContent(known) { return known }
    guard openers.mayOpen(process) else {
      overLimit.insert(process)
      return nil
    }
    guard let mapped = open() else { return nil }
    let index: SourceIndex
    switch mapped.identity {
    case .exact:
      index = add(.file(mapped.file, path: mapping.path))
      files[key] = index
    case .layered:
      index = layeredFile(mapped.file, path: mapping.path)
      layered[layeredKey] = index
    }
    places[index] = FilePlace(device: mapping.device, inode: mapping.inode)
    openers.note(index, process)
    return index
  }

  /// Where a source's file is; nil for other sources.
  func place(of source: SourceIndex) -> FilePlace? { places[source] }

  /// The source of a file whose own device and inode are not those of its mapping.
  private mutating func layeredFile(_ file: OpenFile, path: String) -> SourceIndex {
    guard let identity = (try? file.status()).map(FileIdentity.init) else { return add(.file(file, path: path)) }
    let own = FileKey(device: identity.device, inode: identity.inode, path: path)
    if let known = layeredFiles[own], hasItsContent(known) { return known }
    let index = add(.file(file, path: path))
    layeredFiles[own] = index
    return index
  }

  private func hasItsContent(_ source: SourceIndex) -> Bool {
    guard case .file(let file, _) = sources[Int(source)] else { return true }
    return file.hasItsContent
  }

  /// Forgets all sources but some, and closes their files. Nobody may know their indices any more.
  ///
  /// - Returns: what was forgotten.
  mutating func keep(_ used: Set<SourceIndex>) -> Set<SourceIndex> {
    let gone = Set(sources.indices.map { SourceIndex($0) }).subtracting(used).subtracting(free)
      .subtracting([Self.kernel, Self.vdso])
    guard !gone.isEmpty else { return [] }
    files = files.filter { !gone.contains($0.value) }
    layered = layered.filter { !gone.contains($0.value) }
    layeredFiles = layeredFiles.filter { !gone.contains($0.value) }
    missing = missing.filter { !gone.contains($0.value) }
    compatVDSOs = compatVDSOs.filter { !gone.contains($0.value) }
    openers.forget(gone)
    for index in gone {
      sources[Int(index)] = .missing(path: "")
      places[index] = nil
    }
    free += gone.sorted(by: >)
    return gone
  }
}
