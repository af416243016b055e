import ELF
import Glibc
package import LinuxSystem
import ProfileModel
import Synchronization

/// From addresses to named frames. Reads this machine's files only, never the network.
package struct Symbolicator {
  private let debugFiles: DebugFiles
  private let kernelSymbolsPath: String
  private let kernelTexts: ([UInt64]) -> [String]?
  private let budget: NamingBudget
  private var demangler: Demangler
  /// Processes with code without names whose perf-map is missing.
  private var withoutMap: [(process: ProcessID, maker: CodeMaker)] = []

  /// - Parameters:
  ///   - debugDirectory: where separate debug files are kept.
  ///   - kernelSymbolsPath: the kernel's own symbol table.
  ///   - kernelTexts: what the kernel calls addresses, in the form of `KernelSymbols.Symbol.init(text:of:)`; nil where it
  ///     cannot be asked, and its symbol table is read.
  ///   - budget: what naming may cost.
  package init(
    debugDirectory: String = "/usr/lib/debug", kernelSymbolsPath: String = "/proc/kallsyms",
    kernelTexts: @escaping ([UInt64]) -> [String]? = { _ in nil }, budget: NamingBudget = NamingBudget()
  ) {
    self.budget = budget
    demangler = Demangler(budget)
    self.debugFiles = DebugFiles(directory: debugDirectory)
    self.kernelSymbolsPath = kernelSymbolsPath
    self.kernelTexts = kernelTexts
    // elfutils would ask the servers named there for files that it does not find.
    unsafe unsetenv("DEBUGINFOD_URLS")
  }

  /// Names addresses of one source; what they are depends on the source, see `CodeSource`.
  ///
  /// Return addresses must be made to lie in their call (less one) by the caller.
  ///
  /// - Complexity: one pass over the symbol tables of the source, with memory in proportion to `addresses`.
  package mutating func symbolicate(_ addresses: [UInt64], in source: CodeSource) -> SymbolicatedSource {
    var result = names(of: addresses, in: source)
    result.warnings += takeMissingMaps()
    return result
  }

  private mutating func names(of addresses: [UInt64], in source: CodeSource) -> SymbolicatedSource {
    switch source {
    case .file(let file, let path): self.file(addresses, file, path: path)
    case .kernel: kernel(addresses)
    case .vdso: vdso(addresses)
    case .anonymous(let process, let perfMap): anonymous(addresses, process, perfMap)
    case .missing(let path):
      SymbolicatedSource(
        module: Module(path: path),
        frames: addresses.map { Self.unresolved($0, in: Module(path: path)) },
        warnings: ["\(path): it could not be opened; its frames have no names"])
    case .unmapped:
      SymbolicatedSource(module: Module(path: "[unmapped]"), frames: addresses.map(Self.unresolved))
    }
  }

  /// Names addresses of several sources, as above; the results are parallel to them.
  package mutating func symbolicate(_ wanted: [(addresses: [UInt64], source: CodeSource)]) -> [SymbolicatedSource] {
    let found = fileNames(wanted)
    var results = zip(wanted, found).map { wanted, found in
      guard let found, case .file(let file, let path) = wanted.source else {
        return names(of: wanted.addresses, in: wanted.source)
      }
      demangler.begin(owner: Self.owner(of: file))
      var named = named(found, path: path)
      if let problem = demangler.takeProblem() { named.warnings.append("\(path): \(problem)") }
      return named
    }
    if !results.isEmpty { results[results.count - 1].warnings += takeMissingMaps() }
    return results
  }

  /// What would have given names to code that runtimes made: a sentence for each kind of runtime.
  private mutating func takeMissingMaps() -> [String] {
    defer { withoutMap = [] }
    return CodeMaker.allCases.compactMap { maker in
      let processes = withoutMap.filter { $0.maker == maker }.map(\.process)
      guard let first = processes.first else { return nil }
      let others = processes.count - 1
      let which = others == 0 ? "" : others == 1 ? " and another process" : " and \(others) other processes"
      return "process \(first)\(which): there is no perf-map, so code made at run time has no names;"
        + " \(maker.advice(for: first.rawValue))"
    }
  }

  /// What files say of their addresses, as the linkers wrote it: the part of the work that others need not wait for. Nil
  /// for sources that are no files, and for files that cannot be read.
  private func fileNames(_ wanted: [(addresses: [UInt64], source: CodeSource)]) -> [FileNames?] {
    let results = Mutex([FileNames?](repeating: nil, count: wanted.count))
    let next = Atomic(0)
    let (debugFiles, budget) = (debugFiles, budget)
    let work: @Sendable () -> Void = {
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < wanted.count else { return }
        guard case .file(let file, let path) = wanted[index].source, let bytes = try? ByteSource(file) else { continue }
        let names = FileNames(
          of: wanted[index].addresses, in: bytes, path: path, debugFiles: debugFiles, budget: budget)
        results.withLock { $0[index] = names }
      }
    }
    // Large files take turns on two threads; each may need some hundred megabytes. Where no thread can be made, this one
    // does it all.
    let helper = wanted.count > 1 ? try? WorkerThread(work) : nil
    work()
    helper?.join()
    return results.withLock { $0 }
  }

  private static func owner(of file: OpenFile) -> UInt32? { (try? file.status())?.st_uid }

  private mutating func file(_ addresses: [UInt64], _ file: OpenFile, path: String) -> SymbolicatedSource {
    demangler.begin(owner: Self.owner(of: file))
    do throws(ELFError) {
      return named(addresses, try ByteSource(file), path: path)
    } catch {
      return SymbolicatedSource(
        module: Module(path: path), frames: addresses.map { Self.unresolved($0, in: Module(path: path)) },
        warnings: ["\(path): \(error); its frames have no names"])
    }
  }

  private mutating func vdso(_ addresses: [UInt64]) -> SymbolicatedSource {
    let module = Module(path: "[vdso]")
    guard let image = VDSO.image else {
      return SymbolicatedSource(
        module: module, frames: addresses.map { Self.unresolved($0, in: module) },
        warnings: ["[vdso]: this process has none; its frames have no names"])
    }
    return named(addresses, .memory(image), path: "[vdso]")
  }

  private mutating func named(_ addresses: [UInt64], _ source: ByteSource, path: String) -> SymbolicatedSource {
    named(FileNames(of: addresses, in: source, path: path, debugFiles: debugFiles, budget: budget), path: path)
  }

  private mutating func named(_ names: FileNames, path: String) -> SymbolicatedSource {
    let module = Module(path: path, buildID: names.buildID)
    return SymbolicatedSource(
      module: module,
      frames: names.places.map { frames(of: $0, in: module, isGo: names.isGo) },
      // The kernel's own images have exported symbols only, by design.
      warnings: path.hasPrefix("[") ? [] : names.problems.map { "\(path): \($0)" })
  }

  /// The functions of a place from the innermost outward, each with the line that it stood at.
  private mutating func frames(of place: FileNames.Place, in module: Module, isGo: Bool) -> [NamedFrame] {
    guard let name = place.name ?? place.debug?.function else { return Self.unresolved(place.address, in: module) }
    var source = place.debug?.source
    var frames: [NamedFrame] = []
    for inlined in place.debug?.inlined.reversed() ?? [] {
      frames.append(
        NamedFrame(
          function: isGo ? inlined.name : display(inlined.name), address: place.address, origin: .user, isInlined: true,
          source: source))
      source = inlined.call
    }
    let function = isGo ? name : display(name)
    frames.append(NamedFrame(function: function, address: place.address, origin: .user, source: source))
    return frames
  }

  /// The suffixes of stubs, parts and variants stand outside the mangling.
  private mutating func display(_ name: String) -> String {
    let suffix = "@plt"
    return name.hasSuffix(suffix)
      ? demangler.demangle(String(name.dropLast(suffix.count))) + suffix
      : demangler.demangle(FunctionClone.original(of: name))
  }

  private mutating func kernel(_ addresses: [UInt64]) -> SymbolicatedSource {
    demangler.begin(owner: 0)
    let module = Module(path: "[kernel]")
    var warnings: [String] = []
    let found = kernelSymbols(of: addresses, &warnings)
    let frames = zip(addresses, found).map { address, symbol -> [NamedFrame] in
      guard let symbol else { return Self.unresolved(address, in: module) }
      return [
        NamedFrame(
          function: display(symbol.name), address: address, origin: .kernel,
          module: symbol.module.map { Module(path: "[\($0)]") })
      ]
    }
    return SymbolicatedSource(module: module, frames: frames, warnings: warnings)
  }

  private func kernelSymbols(of addresses: [UInt64], _ warnings: inout [String]) -> [KernelSymbols.Symbol?] {
    // A system call without arguments has several names, and the kernel may tell the one for 32-bit programs.
    if let texts = kernelTexts(addresses), texts.count == addresses.count,
      !texts.contains(where: { $0.hasPrefix("__ia32_sys_") })
    {
      return zip(texts, addresses).map { KernelSymbols.Symbol(text: $0, of: $1) }
    }
    let wanted = WantedAddresses(addresses)
    var symbols = KernelSymbols(wanted)
    do throws(Errno) {
      try symbols.read(kernelSymbolsPath)
      if symbols.isHidden {
        warnings.append(
          "[kernel]: the kernel hides its addresses, so its frames have no names; run as root, or write 0 to"
            + " /proc/sys/kernel/kptr_restrict")
      }
    } catch {
      warnings.append("[kernel]: cannot read \(kernelSymbolsPath): \(error); its frames have no names")
    }
    let found = symbols.symbols()
    return addresses.map { found[wanted.firstIndex(notBelow: $0)] }
  }

  private mutating func anonymous(
    _ addresses: [UInt64], _ process: ProcessID, _ perfMap: PerfMapPlace?
  ) -> SymbolicatedSource {
    let nameless = Module(path: "[anonymous]")
    guard let perfMap else { return SymbolicatedSource(module: nameless, frames: addresses.map(Self.unresolved)) }
    let wanted = WantedAddresses(addresses)
    let (maps, refusal) = PerfMap.maps(at: perfMap)
    guard !maps.isEmpty else {
      if refusal == nil { withoutMap.append((process, perfMap.maker)) }
      return SymbolicatedSource(
        module: nameless, frames: addresses.map(Self.unresolved),
        warnings: refusal.map { ["process \(process): \($0); its code stays without names"] } ?? [])
    }
    let found = PerfMap.names(of: wanted, in: maps, budget)
    // The process's user, or who is root to it: the same one in all of its maps.
    demangler.begin(owner: perfMap.owners.max())
    let frames = addresses.map { address -> [NamedFrame] in
      guard let name = found.names[wanted.firstIndex(notBelow: address)] else {
        return [
          NamedFrame(function: Self.bracketed(address), address: address, origin: .unresolved, module: nameless)
        ]
      }
      // Runtimes write readable names, all but those that pass the symbols of compiled code on.
      return [NamedFrame(function: demangler.demangle(name), address: address, origin: .jit)]
    }
    return SymbolicatedSource(
      module: Module(path: "[jit]"), frames: frames,
      warnings: found.warning.map { ["process \(process): \($0)"] } ?? [])
  }

  /// `[libfoo.so+0x1234]`, and for modules that have brackets already `[vdso+0x1234]`.
  private static func unresolved(_ address: UInt64, in module: Module) -> [NamedFrame] {
    let name = module.name.hasPrefix("[") ? module.name.dropFirst().dropLast() : module.name
    return [
      NamedFrame(function: "[\(name)+0x\(String(address, radix: 16))]", address: address, origin: .unresolved)
    ]
  }

  private static func unresolved(_ address: UInt64) -> [NamedFrame] {
    [NamedFrame(function: bracketed(address), address: address, origin: .unresolved)]
  }

  private static func bracketed(_ address: UInt64) -> String { "[0x\(String(address, radix: 16))]" }
}
