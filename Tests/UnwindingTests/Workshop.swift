import ELF
import Glibc
import LinuxSystem
import Testing

/// A temporary directory in which a test builds its files with the tools of the system; gone with the test.
final class Workshop {
  let directory: String

  init() throws {
    var template = Array("/tmp/unwinding-XXXXXX".utf8CString)
    directory = String(cString: try #require(mkdtemp(&template)))
  }

  deinit { system("rm -rf '\(directory)'") }

  func path(_ name: String) -> String { "\(directory)/\(name)" }

  /// Runs a command line in the directory.
  func run(_ command: String) throws {
    try #require(system("cd '\(directory)' && { \(command) ; } >log 2>&1") == 0, "this must work: \(command)")
  }

  func write(_ text: String, to name: String) throws {
    let file = try OpenFile(path(name), flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    let bytes = Array((text + "\n").utf8)
    try #require(Glibc.write(file.descriptor, bytes, bytes.count) == bytes.count)
  }

  func bytes(_ name: String) throws -> [UInt8] { try OpenFile.contents(of: path(name)) }

  func file(_ name: String) throws -> ELFFile { try ELFFile(ByteSource(OpenFile(path(name)))) }

  /// The code of some functions, as nm tells it.
  func functions(_ name: String, _ wanted: [String]) throws -> [(start: UInt64, end: UInt64)] {
    try symbols(name).filter { wanted.contains($0.name) && $0.size > 0 }.map { ($0.start, $0.start + $0.size) }
  }

  /// The address of a symbol, as nm tells it.
  func symbol(_ symbol: String, in name: String) throws -> UInt64? {
    try symbols(name).first { $0.name == symbol }?.start
  }

  private func symbols(_ name: String) throws -> [(name: String, start: UInt64, size: UInt64)] {
    try run("nm -S '\(name)' > nm.txt")
    return try OpenFile.text(of: path("nm.txt")).split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count >= 3, let start = UInt64(fields[0], radix: 16), let name = fields.last else { return nil }
      return (String(name), start, fields.count > 3 ? UInt64(fields[1], radix: 16) ?? 0 : 0)
    }
  }
}

extension Workshop {
  /// Where the first call in a function leads, as objdump tells it.
  func firstCall(of function: String, in name: String) throws -> UInt64? {
    try run("objdump -d --no-show-raw-insn --disassemble=\(function) '\(name)' > dump.txt")
    let line = try OpenFile.text(of: path("dump.txt")).split(separator: "\n").first { $0.contains("\tcall ") }
    let words = line?.split(whereSeparator: \.isWhitespace) ?? []
    guard let index = words.firstIndex(of: "call"), index + 1 < words.count else { return nil }
    return UInt64(words[index + 1], radix: 16)
  }
}
