import ELF
import Foundation
import LinuxSystem
import Testing

/// The truth is the dynamic linker's.
struct SymbolLookupTests {
  /// The C library of this process, and where it is.
  private func library() throws -> (file: ELFFile, base: UInt64) {
    let mappings = MemoryMapping.all(inMaps: try OpenFile.contents(of: "/proc/self/maps"))
    let mapping = try #require(mappings.first { $0.path.hasSuffix("/libc.so.6") && $0.fileOffset == 0 })
    return (try ELFFile(ByteSource(try OpenFile(mapping.path))), mapping.start)
  }

  @Test(arguments: ["qsort", "getenv", "strtol", "pthread_create", "environ"])
  func `a symbol that a library exports is where the dynamic linker finds it`(name: String) throws {
    let (file, base) = try library()
    let truth = UInt64(UInt(bitPattern: try #require(dlsym(nil, name))))

    #expect(try #require(try DynamicSymbols(file)).address(of: name) == truth - base)
  }

  @Test func `a symbol that a library lacks is none, and so is one that it takes from elsewhere`() throws {
    let symbols = try #require(try DynamicSymbols(try library().file))

    #expect(try symbols.address(of: "_PyRuntime") == nil)
    #expect(try symbols.address(of: "_dl_argv") == nil)
    #expect(try symbols.address(of: "") == nil)
  }

  @Test func `a section may be there if its name is`() throws {
    let (file, _) = try library()

    #expect(try file.mayHaveSection(named: ".dynsym"))
    #expect(try !file.mayHaveSection(named: ".PyRuntime"))
  }

  @Test func `bytes are found in the data of a file where they are aligned`() throws {
    // The first occurrence is at an odd address, the second at one that is divisible by 8.
    let bytes = Array("...debugpy!....debugpy!".utf8)
    var file = [UInt8](repeating: 0, count: 120) + bytes
    func put(_ value: some FixedWidthInteger, _ place: Int) {
      withUnsafeBytes(of: value) { file.replaceSubrange(place..<place + $0.count, with: $0) }
    }
    file.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
    put(UInt16(62), 18)
    put(UInt64(64), 32)
    put(UInt16(56), 54)
    put(UInt16(1), 56)
    put(UInt32(1), 64)
    put(UInt64(120), 72)
    put(UInt64(0x1001), 80)
    put(UInt64(bytes.count), 96)

    let elf = try ELFFile(.memory(file))
    #expect(try elf.address(ofWords: Array("debugpy!".utf8), limit: 1 << 20) == 0x1010)
    #expect(try elf.address(ofWords: Array("debugpy!".utf8), limit: 16) == nil)
  }
}
