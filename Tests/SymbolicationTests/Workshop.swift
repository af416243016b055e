import ELF
import Glibc
import LinuxSystem
import ProfileModel
import Testing

@testable import Symbolication

/// A temporary directory in which a test builds its files with the tools of the system; gone with the test.
final class Workshop {
  let directory: String

  init() throws {
    var template = Array("/tmp/symbolication-XXXXXX".utf8CString)
    directory = String(cString: try #require(mkdtemp(&template)))
  }

  deinit { system("rm -rf '\(directory)'") }

  func path(_ name: String) -> String { "\(directory)/\(name)" }

  /// Runs a command line in the directory.
  func run(_ command: String) throws {
    try #require(system("cd '\(directory)' && { \(command) ; } >log 2>&1") == 0, "this must work: \(command)")
  }

  func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

  func write(_ bytes: [UInt8], to name: String) throws {
    let file = try OpenFile(path(name), flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    try #require(Glibc.write(file.descriptor, bytes, bytes.count) == bytes.count)
  }

  func bytes(_ name: String) throws -> [UInt8] { try OpenFile.contents(of: path(name)) }

  /// A program of two functions that are seen from outside and one that is not.
  func buildLibrary(_ options: String = "") throws {
    try write(
      """
      static __attribute__((noinline)) int hidden_work(int x) { __asm__ volatile("" : "+r"(x)); return x * 3 + 1; }
      __attribute__((noinline)) int visible_work(int x) { return hidden_work(x) + hidden_work(x + 1); }
      int other_work(int x) { return visible_work(x) + 2; }
      """, to: "work.c")
    try run("gcc -O2 -fPIC -shared -Wl,--build-id=sha1 \(options) -o libwork.so work.c")
  }

  /// Where functions are, as nm tells it.
  func functions(_ name: String) throws -> [(name: String, start: UInt64, size: UInt64)] {
    try run("nm -S '\(name)' > nm.txt")
    return try OpenFile.text(of: path("nm.txt")).split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count == 4, "tT".contains(fields[2]), let start = UInt64(fields[0], radix: 16),
        let size = UInt64(fields[1], radix: 16)
      else { return nil }
      return (String(fields[3]), start, size)
    }
  }

  func function(_ function: String, in name: String) throws -> (start: UInt64, size: UInt64) {
    let found = try #require(try functions(name).first { $0.name == function })
    return (found.start, found.size)
  }

  /// Where a symbol is, as nm tells it; also of symbols without a size.
  func symbol(_ symbol: String, in name: String) throws -> UInt64 {
    try run("nm '\(name)' | sed -n 's/^\\([0-9a-f]*\\) . \(symbol)$/\\1/p' > symbol.txt")
    let text = try OpenFile.text(of: path("symbol.txt"))
    return try #require(UInt64(text.prefix { $0 != "\n" }, radix: 16))
  }

  /// The file offset that an address is linked from.
  func offset(of address: UInt64, in name: String) throws -> UInt64 {
    let file = try ELFFile(.memory(bytes(name)))
    let load = try #require(
      file.loads.first { $0.virtualAddress <= address && address - $0.virtualAddress < $0.fileSize })
    return address - load.virtualAddress + load.fileOffset
  }

  /// Symbolicates ELF virtual addresses of a file, with `debug` in this directory for the system's debug files.
  func symbolicate(_ addresses: [UInt64], in name: String, layout: String? = nil) throws -> SymbolicatedSource {
    var symbolicator = Symbolicator(debugDirectory: path("debug"))
    let offsets = try addresses.map { try offset(of: $0, in: layout ?? name) }
    return symbolicator.symbolicate(offsets, in: .file(try OpenFile(path(name)), path: path(name)))
  }

  func names(_ addresses: [UInt64], in name: String) throws -> [String] {
    try symbolicate(addresses, in: name).frames.map(\.[0].function)
  }

  /// Where the first call in a function leads, as objdump tells it.
  func firstCall(of function: String, in name: String) throws -> UInt64 {
    try run("objdump -d --no-show-raw-insn --disassemble=\(function) '\(name)' > dump.txt")
    let line = try OpenFile.text(of: path("dump.txt")).split(separator: "\n").first { $0.contains("\tcall ") }
    let words = try #require(line, "no call in \(function)").split(whereSeparator: \.isWhitespace)
    let index = try #require(words.firstIndex(of: "call"))
    return try #require(UInt64(words[index + 1], radix: 16))
  }
}
