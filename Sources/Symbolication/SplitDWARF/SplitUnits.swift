import ELF
import LinuxSystem

/// The search for the split compilation units of a program.
struct SplitUnits {
  /// What a skeleton, which stayed in the program, says of its unit.
  struct Skeleton {
    let identifier: UInt64
    /// The path of the object file.
    let name: String
    /// Where the compiler ran.
    let directory: String
    /// Offsets in the program's sections.
    let addresses: UInt64
    let ranges: UInt64
    let base: UInt64
  }

  private let file: ELFFile
  private let named: [String: ELFFile.Section]
  /// What the program is called, and its debug file.
  private let paths: [String]
  private let open: (String) -> OpenFile?
  private var packages: [SplitPackage]?
  private var addresses: [UInt8]?
  private var ranges: [UInt8]?
  /// Units whose files were not found, or did not have them.
  private(set) var missing: [String] = []

  private static let maximumSection = 256 << 20
  /// Of one unit: half a million addresses.
  private static let maximumAddresses = 4 << 20
  private static let maximumRanges = 16 << 20
  private static let maximumPath = 4_096

  /// - Parameters:
  ///   - paths: of the file itself and, where it is a debug file, of the program.
  ///   - open: opens the file at a path, after a look at what it is.
  init(
    of file: ELFFile, paths: [String],
    open: @escaping (String) -> OpenFile? = { try? OpenFile.examined($0, isStored: true) }
  ) {
    self.file = file
    self.paths = paths
    self.open = open
    named = (try? file.sectionsByName(file.sections())) ?? [:]
  }

  /// The unit of a skeleton, as a file that libdw reads; nil where it is not found, which is noted.
  mutating func image(of skeleton: Skeleton, _ meter: inout NamingMeter) -> OpenFile? {
    guard let unit = find(skeleton, &meter), let image = try? unit.image(program(for: skeleton, unit)) else {
      missing.append(skeleton.name)
      return nil
    }
    return image
  }

  private mutating func find(_ skeleton: Skeleton, _ meter: inout NamingMeter) -> SplitUnit? {
    let packages =
      self.packages
      ?? paths.compactMap { path in
        open(path + ".dwp").flatMap { try? ByteSource($0) }.flatMap { SplitPackage($0) }
      }
    self.packages = packages
    for index in packages.indices {
      if let unit = self.packages?[index].unit(skeleton.identifier, &meter) { return unit }
    }
    for path in candidates(skeleton) {
      guard meter.look() else { return nil }
      guard path.utf8.count < Self.maximumPath, let opened = open(path), let source = try? ByteSource(opened),
        var object = SplitPackage(source)
      else { continue }
      if let unit = object.unit(skeleton.identifier, &meter) { return unit }
    }
    return nil
  }

  /// Where an object file may be: where the compiler put it, or beside the program.
  private func candidates(_ skeleton: Skeleton) -> [String] {
    let name = skeleton.name
    var candidates: [String] = []
    if name.hasPrefix("/") {
      candidates.append(name)
    } else if skeleton.directory.hasPrefix("/") {
      candidates.append("\(skeleton.directory)/\(name)")
    }
    let last = name.split(separator: "/").last.map(String.init) ?? name
    for path in paths where path.hasPrefix("/") {
      guard let slash = path.lastIndex(of: "/") else { continue }
      let parent = path[..<slash]
      if !name.hasPrefix("/") { candidates.append("\(parent)/\(name)") }
      if last != name { candidates.append("\(parent)/\(last)") }
    }
    return candidates
  }

  private mutating func program(for skeleton: Skeleton, _ unit: SplitUnit) -> SplitUnit.Program {
    let addresses = self.addresses ?? section(".debug_addr")
    self.addresses = addresses
    var size = Self.maximumAddresses
    // Since DWARF 5 a header of 8 bytes stands before the addresses of a unit, with their size.
    if unit.entry.version == 5, skeleton.addresses >= 8, skeleton.addresses <= UInt64(addresses.count) {
      let length = addresses.integer(at: Int(skeleton.addresses) - 8, as: UInt32.self)
      size = min(size, max(0, Int(length) - 4))
    }
    var ranges: [UInt8] = []
    if unit.entry.version == 4 {
      let all = self.ranges ?? section(".debug_ranges")
      self.ranges = all
      ranges = Self.slice(all, from: skeleton.ranges, limit: Self.maximumRanges)
    }
    return SplitUnit.Program(
      addresses: Self.slice(addresses, from: skeleton.addresses, limit: size), ranges: ranges, base: skeleton.base)
  }

  private func section(_ name: String) -> [UInt8] {
    let old = ".z" + name.dropFirst()
    guard let section = named[name] ?? named[old] else { return [] }
    return
      (try? file.contents(
        of: section, isOldStyle: named[name] == nil, .splitUnit, limit: Self.maximumSection)) ?? []
  }

  private static func slice(_ bytes: [UInt8], from start: UInt64, limit: Int) -> [UInt8] {
    guard start < UInt64(bytes.count) else { return [] }
    return Array(bytes[Int(start)...].prefix(limit))
  }
}
