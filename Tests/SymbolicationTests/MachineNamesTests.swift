import ELF
import Foundation
import LinuxSystem
import SeededRandom
import Testing

@testable import Symbolication

/// Names of places in the files of this machine, judged by what other programs say of their symbols.
@Suite struct MachineNamesTests {
  private struct Symbol {
    let start: UInt64
    let size: UInt64
    let name: String
  }

  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// What readelf says of the functions and labels of a file, sorted by their starts.
  private func symbols(_ path: String) throws -> [Symbol] {
    try workshop.run(
      "readelf -sW '\(path)' | awk '$4 ~ /^(FUNC|NOTYPE|IFUNC)$/ && $7 ~ /^[0-9]+$/ { print $2, $3, $8 }' > symbols")
    return try lines("symbols").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count == 3, let start = UInt64(fields[0], radix: 16) else { return nil }
      let size = fields[1].hasPrefix("0x") ? UInt64(fields[1].dropFirst(2), radix: 16) : UInt64(fields[1])
      return Symbol(start: start, size: size ?? 0, name: String(fields[2].prefix { $0 != "@" }))
    }
    .sorted { $0.start < $1.start }
  }

  /// The starts of functions that the call frame information of a file knows.
  private func functionStarts(_ path: String) throws -> [UInt64] {
    try workshop.run("readelf --debug-dump=frames '\(path)' | sed -n 's/.* pc=\\([0-9a-f]*\\)\\.\\..*/\\1/p' > starts")
    return try lines("starts").compactMap { UInt64($0, radix: 16) }.sorted()
  }

  private func lines(_ name: String) throws -> [Substring] {
    try OpenFile.text(of: workshop.path(name)).split(separator: "\n")
  }

  /// Random places in the code of a file, and what they are called.
  private func places(in path: String, count: Int, _ random: inout SplitMix) throws -> [FileNames.Place]? {
    guard let source = try? ByteSource(OpenFile(path)), let file = try? ELFFile(source),
      let sections = try? file.sections(), let code = try? file.sectionsByName(sections)[".text"], code.size > 16,
      file.machine == ELFFile.Machine.x86
    else { return nil }
    let offsets = (0..<count).map { _ in code.fileOffset + random.next() % code.size }
    return FileNames(
      of: offsets, in: source, path: path, debugFiles: DebugFiles(directory: workshop.path("debug")),
      budget: NamingBudget(totalLimit: 0)
    ).places
  }

  /// Whether a symbol of the name covers the place. One without a size ends where the next symbol or function starts.
  private func isCovered(
    _ place: FileNames.Place, _ name: String, by symbols: [Symbol], _ starts: () throws -> [UInt64]
  ) throws -> Bool {
    let own = symbols.filter { $0.name == name && $0.start <= place.address }
    if own.contains(where: { place.address == $0.start || place.address - $0.start < $0.size }) { return true }
    guard let start = own.filter({ $0.size == 0 }).map(\.start).max() else { return false }
    let behind = start + 1...place.address
    return try !symbols.contains { behind.contains($0.start) || $0.size > 0 && behind.contains($0.start + $0.size) }
      && !starts().contains { behind.contains($0) }
  }

  @Test func `of 10,000 places in programs and libraries none is named by a symbol that does not cover it`() throws {
    let largest = 6 << 20
    let directories = ["/usr/bin", "/usr/lib/x86_64-linux-gnu"]
    let all = directories.flatMap { directory in
      ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted().map { "\(directory)/\($0)" }
    }
    let fit = all.filter { path in
      guard let status = try? OpenFile.examined(path, followsLinks: false).status() else { return false }
      return status.st_size < largest
    }
    // Their hand-written code has symbols without a size.
    let special = fit.filter { path in ["libx264", "libopenh264", "libSvtAv1Enc"].contains { path.contains($0) } }
    let sampled = stride(from: 0, to: fit.count, by: max(1, fit.count / 60)).map { fit[$0] }
    var random = SplitMix(state: 2026)
    var checked = 0
    var named = 0
    for path in special + sampled where checked < 10_000 {
      let count = special.contains(path) ? 1_000 : 250
      guard let places = try places(in: path, count: count, &random) else { continue }
      checked += places.count
      let symbols = try symbols(path)
      var starts: [UInt64]?
      for place in places {
        guard let name = place.name else { continue }
        named += 1
        let isCovered = try isCovered(place, name, by: symbols) {
          let known = try starts ?? functionStarts(path)
          starts = known
          return known
        }
        #expect(isCovered, "\(path): \(String(place.address, radix: 16)) is not in \(name)")
      }
    }
    #expect(checked >= 10_000)
    #expect(named > 1_000)
  }

  /// The C library has hidden functions between those that it exports. All symbols are known before it is stripped, so
  /// that a name can be judged that was given afterwards.
  @Test func `names in a stripped program are those that it had with all symbols`() throws {
    try workshop.write("int main(void) { return 0; }\n", to: "all.c")
    try workshop.run("gcc -static-pie -Wl,--export-dynamic -o all all.c")
    let symbols = try symbols(workshop.path("all"))
    try workshop.run("strip all")
    var random = SplitMix(state: 2027)
    let places = try #require(try places(in: workshop.path("all"), count: 10_000, &random))

    var named = 0
    for place in places {
      guard let name = place.name else { continue }
      named += 1
      #expect(try isCovered(place, name, by: symbols) { [] }, "\(String(place.address, radix: 16)) is not in \(name)")
    }
    #expect(named > 1_000)
  }
}
