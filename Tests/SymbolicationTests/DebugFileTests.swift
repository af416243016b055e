import ELF
import Glibc
import LinuxSystem
import ProfileModel
import SeededRandom
import Testing

@testable import Symbolication

@Suite struct DebugFileTests {
  let workshop: Workshop
  private let hidden: UInt64

  init() throws {
    workshop = try Workshop()
    try workshop.buildLibrary()
    hidden = try workshop.function("hidden_work", in: "libwork.so").start
    try workshop.run("objcopy --only-keep-debug libwork.so work.debug")
  }

  private func buildID() throws -> String {
    let file = try ELFFile(.memory(workshop.bytes("libwork.so")))
    return try #require(BuildID.find(in: file, sections: try file.sections()))
  }

  private func installByBuildID() throws {
    let id = try buildID()
    try workshop.run("mkdir -p debug/.build-id/\(id.prefix(2))")
    try workshop.run("cp work.debug debug/.build-id/\(id.prefix(2))/\(id.dropFirst(2)).debug")
  }

  @Test func `a debug file is found by build id`() throws {
    try installByBuildID()
    try workshop.run("strip libwork.so")
    #expect(try workshop.names([hidden], in: "libwork.so") == ["hidden_work"])
  }

  @Test func `a debug file with another build id is refused`() throws {
    try installByBuildID()
    try workshop.run("strip libwork.so && gcc -O1 -fPIC -shared -Wl,--build-id=sha1 -o other.so work.c")
    let id = try buildID()
    try workshop.run("cp other.so debug/.build-id/\(id.prefix(2))/\(id.dropFirst(2)).debug")
    #expect(try workshop.names([hidden], in: "libwork.so")[0].hasPrefix("[libwork.so+0x"))
  }

  @Test(arguments: [".", ".debug", "debug"])
  func `a debug file is found by its link`(place: String) throws {
    // Without a build id the checksum decides.
    try workshop.buildLibrary("-Wl,--build-id=none")
    let hidden = try workshop.function("hidden_work", in: "libwork.so").start
    try workshop.run("objcopy --only-keep-debug libwork.so linked.debug && strip libwork.so")
    try workshop.run("objcopy --add-gnu-debuglink=linked.debug libwork.so")
    let directory = place == "debug" ? "debug\(workshop.directory)" : place
    try workshop.run(
      "mkdir -p ./\(directory) && cp linked.debug keep && rm linked.debug && mv keep ./\(directory)/linked.debug")
    #expect(try workshop.names([hidden], in: "libwork.so") == ["hidden_work"])
    try workshop.run("printf x >> ./\(directory)/linked.debug")
    #expect(try workshop.names([hidden], in: "libwork.so") != ["hidden_work"])
  }

  private func supply(_ name: String) throws -> NameSupply {
    NameSupply(
      .file(try OpenFile(workshop.path(name)), path: workshop.path(name)), debugDirectory: workshop.path("debug"))
  }

  @Test(arguments: ["none", "zlib", "zlib-gnu"])
  func `debugging information that is packed with zlib is read, and counted on`(packing: String) throws {
    try workshop.buildLibrary("-g -gdwarf-4 -gno-inline-points")
    try workshop.run("objcopy --compress-debug-sections=\(packing) libwork.so")

    let result = try workshop.symbolicate([hidden], in: "libwork.so")

    #expect(result.frames[0][0].function == "hidden_work")
    #expect(result.frames[0][0].source != nil)
    #expect(result.warnings.isEmpty)
    #expect(try supply("libwork.so").names == .debugInformation)
  }

  /// Whether elfutils unpack it depends on how they were built.
  @Test(arguments: [false, true])
  func `debugging information that is packed with zstd is read, or is said to be unreadable`(isSeparate: Bool) throws {
    try workshop.buildLibrary("-g")
    if isSeparate {
      try workshop.run("objcopy --only-keep-debug libwork.so work.debug")
      try workshop.run("objcopy --compress-debug-sections=zstd work.debug")
      try installByBuildID()
      try workshop.run("strip libwork.so")
    } else {
      try workshop.run("objcopy --compress-debug-sections=zstd libwork.so")
    }

    let result = try workshop.symbolicate([hidden], in: "libwork.so")

    #expect(result.frames[0][0].function == "hidden_work")
    let isRead = result.frames[0][0].source != nil
    #expect(result.warnings.count { $0.contains("compressed with zstd") } == (isRead ? 0 : 1))
    #expect(try supply("libwork.so").names == (isRead ? .debugInformation : .symbolTable))
  }

  @Test func `debugging information that is packed in another way is not counted on`() throws {
    try workshop.buildLibrary("-g")
    try workshop.run("objcopy --compress-debug-sections=zlib libwork.so")
    var bytes = try workshop.bytes("libwork.so")
    let file = try ELFFile(.memory(bytes))
    for section in try file.sections() where section.isPacked { bytes[Int(section.fileOffset)] = 77 }
    try workshop.write(bytes, to: "libwork.so")

    let result = try workshop.symbolicate([hidden], in: "libwork.so")

    #expect(result.frames[0].map(\.function) == ["hidden_work"])
    #expect(result.warnings.count { $0.contains("compressed in a way that is not known") } == 1)
    #expect(try supply("libwork.so").names == .symbolTable)
  }

  /// The file of a process that sees a part of this file system as the whole.
  private func names(beneath root: String) throws -> [String] {
    let file = try OpenFile(workshop.path("libwork.so")).withSnapshot(
      root: .foreign(try OpenFile(workshop.path(root), flags: OpenFile.pathOnly | O_DIRECTORY)))
    var symbolicator = Symbolicator(debugDirectory: "/debug")
    let offset = try workshop.offset(of: hidden, in: "libwork.so")
    return symbolicator.symbolicate([offset], in: .file(file, path: "/lib/libwork.so")).frames.map(\.[0].function)
  }

  @Test func `a debug file is found beneath the root of the process, which no link leads out of`() throws {
    try installByBuildID()
    let id = try buildID()
    let name = "debug/.build-id/\(id.prefix(2))/\(id.dropFirst(2)).debug"
    try workshop.run("mkdir -p root/inside out leads && cp -r debug root/inside && ln -s /inside/debug root/debug")
    try workshop.run("cp \(name) out/file && mkdir -p leads/debug/.build-id/\(id.prefix(2))")
    try workshop.run("ln -s \(workshop.path("out/file")) leads/\(name)")
    try workshop.run("strip libwork.so")

    #expect(try names(beneath: "root") == ["hidden_work"])
    #expect(try names(beneath: "leads")[0].hasPrefix("[libwork.so+0x"))
  }

  @Test func `a debug file of another user is refused`() throws {
    try installByBuildID()
    try workshop.run("strip libwork.so")
    try #require(geteuid() == 0, "run as root")
    try workshop.run("chown -R nobody debug")
    #expect(try workshop.names([hidden], in: "libwork.so")[0].hasPrefix("[libwork.so+0x"))
    // The owner of a file may say what is in it.
    try workshop.run("chown nobody libwork.so")
    #expect(try workshop.names([hidden], in: "libwork.so") == ["hidden_work"])
  }

  @Test func `the compressed table in a stripped file is read`() throws {
    try workshop.run("xz -k work.debug && strip libwork.so")
    try workshop.run("objcopy --add-section .gnu_debugdata=work.debug.xz libwork.so")
    let result = try workshop.symbolicate([hidden], in: "libwork.so")
    #expect(result.frames[0][0].function == "hidden_work")
    #expect(result.warnings.isEmpty)
  }

  @Test func `a compressed table that would fill the memory is not unpacked`() throws {
    try workshop.run("head -c 200000000 /dev/zero | xz -0 > bomb.xz && strip libwork.so")
    #expect(XZStream.unpackedSize(of: try workshop.bytes("bomb.xz")) == 200_000_000)
    try workshop.run("objcopy --add-section .gnu_debugdata=bomb.xz libwork.so")
    let result = try workshop.symbolicate([hidden], in: "libwork.so")
    #expect(result.frames[0][0].origin == .unresolved)
    #expect(result.warnings.first?.contains("mini debug info is too large") == true)
  }

  @Test func `the framing of compressed data is never trusted`() throws {
    try workshop.run("xz -k --block-size=4096 work.debug")
    let whole = try workshop.bytes("work.debug.xz")
    #expect(XZStream.unpackedSize(of: whole) == UInt64(try workshop.bytes("work.debug").count))
    for length in 0..<whole.count { _ = XZStream.unpackedSize(of: Array(whole.prefix(length))) }
    var random = SplitMix(state: 7)
    for _ in 0..<500 {
      var bytes = whole
      bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      _ = XZStream.unpackedSize(of: bytes)
    }
  }

  @Test func `the checksum is that of zlib`() {
    #expect(CRC32.update(0, with: Array("123456789".utf8)) == 0xCBF4_3926)
    let first = CRC32.update(0, with: Array("1234".utf8))
    #expect(CRC32.update(first, with: Array("56789".utf8)) == 0xCBF4_3926)
  }
}
