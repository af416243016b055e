import Foundation
import LinuxSystem
import ProfileModel
import Testing

@testable import Importing

/// Text as a stream, in chunks of a few bytes, so that lines lie across their ends.
func stream(_ bytes: [UInt8], chunkBytes: Int = 7) throws -> LineStream {
  var ends: [Int32] = [0, 0]
  try #require(pipe(&ends) == 0)
  let writer = ends[1]
  // A pipe holds 64 KiB: more is written from the side.
  let thread = Thread {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(writer, $0.baseAddress, $0.count) }
      if count <= 0 { break }
      rest = rest.dropFirst(count)
    }
    close(writer)
  }
  thread.start()
  return LineStream(OpenFile(adopting: ends[0]), name: "x", chunkBytes: chunkBytes)
}

func stream(_ text: String, chunkBytes: Int = 7) throws -> LineStream {
  try stream(Array(text.utf8), chunkBytes: chunkBytes)
}

/// Every stack of a profile, root first, with its count.
func stacks(_ profile: Profile) -> [[String]: UInt64] {
  profile.values.reduce(into: [:]) { result, value in
    let names = profile.stacks.path(to: value.stack).map { profile.frames[$0].function + profile.frames[$0].annotation }
    result[names, default: 0] += value.weight.count
  }
}

@Suite struct FoldedReaderTests {
  private func read(_ text: String) throws -> ImportedProfile { try FoldedReader.read(stream(text), file: "x") }

  @Test func `a stack of two hundred thousand frames is passed over, and that is said`() throws {
    let deep = String(repeating: "a;", count: 200_000)
    let imported = try read("a;b 2\n\(deep)c 3\n\(deep.prefix(2 * 131_071))c 1\n")

    #expect(imported.profile.total.count == 3)
    #expect(
      imported.warnings.first?.hasPrefix("1 line is no stack and was passed over, the first one is line 2") == true)
  }

  @Test func `stacks have their counts, equal ones together`() throws {
    let imported = try read("a;b;c 3\na;b 2\na;b;c 4\nz 1\n")

    #expect(stacks(imported.profile) == [["a", "b", "c"]: 7, ["a", "b"]: 2, ["z"]: 1])
    #expect(imported.warnings.isEmpty)
    #expect(!imported.hasThreads)
    #expect(imported.profile.values.count == 3)
  }

  @Test func `a name may have spaces, numbers and nothing, and the last line no end`() throws {
    #expect(
      stacks(try read("operator new(int) 2;x y 12 5\r\n;a;; 2\nlast 1").profile) == [
        ["operator new(int) 2", "x y 12"]: 5, ["[no name]", "a", "[no name]"]: 2, ["last"]: 1,
      ])
  }

  @Test func `marks of kinds become kinds`() throws {
    let frames = try read("k_[k];j_[j];i_[i];_[k];[unknown];0xffff;[libc.so+0x12] 1").profile.frames

    #expect(frames.map(\.function) == ["k", "j", "i", "_[k]", "[unknown]", "0xffff", "[libc.so+0x12]"])
    #expect(frames.map(\.origin) == [.kernel, .jit, .user, .user, .unresolved, .unresolved, .unresolved])
    #expect(frames.map(\.isInlined) == [false, false, true, false, false, false, false])
  }

  @Test func `marks of known languages become interpreted functions`() throws {
    let frames = try read("f_[python];f_[p];g_[java];h_[nobody];_[go];_[p];a[go] 1").profile.frames

    #expect(frames.map(\.function) == ["f", "f", "g", "h_[nobody]", "_[go]", "_[p]", "a[go]"])
    let python = FrameOrigin.interpreted(.python)
    #expect(frames.map(\.origin) == [python, python, .interpreted(.java), .user, .user, .user, .user])
  }

  @Test func `comments and blank lines are passed over, other lines are told of`() throws {
    let imported = try read("# by a tool\n\n#\n  \na 1\nnonsense\nb -2\nc 1e3\n#include 4\n 7\n")

    #expect(stacks(imported.profile) == [["a"]: 1, ["#include"]: 4])
    #expect(imported.warnings.count == 1)
    #expect(imported.warnings[0].hasPrefix("4 lines are no stacks and were passed over, the first one is line 6;"))
  }

  @Test func `fractions become whole numbers of a smaller unit, and keep their shares`() throws {
    let imported = try read("a 0.25\nb 0.75\nc 1.49\nd 3\ne .5\n")

    #expect(stacks(imported.profile) == [["a"]: 25, ["b"]: 75, ["c"]: 149, ["d"]: 300, ["e"]: 50])
    #expect(imported.unit == "hundredths of samples")
    #expect(imported.warnings.isEmpty)
    #expect(imported.counting != .samples)
  }

  @Test func `fractions that are zero leave whole numbers`() throws {
    let imported = try read("a 2.0\nb 3.000\n")

    #expect(stacks(imported.profile) == [["a"]: 2, ["b"]: 3])
    #expect(imported.unit == "samples")
  }

  @Test func `a fraction finer than billionths is rounded, and that is told`() throws {
    let imported = try read("a 0.1234567894\nb 0.9999999996\n")

    #expect(stacks(imported.profile) == [["a"]: 123_456_789, ["b"]: 1_000_000_000])
    #expect(imported.warnings == ["2 counts were rounded to billionths of samples"])
  }

  @Test func `where large counts leave no room for a fraction, it is rounded, and that is told`() throws {
    let imported = try read("a 100000000000000000\nb 0.125\n")

    #expect(stacks(imported.profile) == [["a"]: 1_000_000_000_000_000_00, ["b"]: 0].filter { $0.value > 0 })
    #expect(imported.warnings == ["1 count was rounded to samples"])
  }

  @Test func `equal stacks add up to the exact sum of their fractions`() throws {
    let imported = try read(String(repeating: "a 0.1\n", count: 10) + "b 1\n")

    #expect(stacks(imported.profile) == [["a"]: 1, ["b"]: 1])
    #expect(imported.unit == "samples")
  }

  @Test func `tabs are blanks, also behind the count`() throws {
    let imported = try read("main;foo\t5\nmain;bar \t 6  \r\nmain;a\tb\t7\t\n")

    #expect(stacks(imported.profile) == [["main", "foo"]: 5, ["main", "bar"]: 6, ["main", "a\tb"]: 7])
    #expect(imported.warnings.isEmpty)
  }

  @Test func `two counts on each line are a difference, before and after`() throws {
    let imported = try read("main;foo 5 7\nmain;bar 5 0\nmain;new 0 2\nmain;foo 1 1\n")

    #expect(stacks(imported.profile) == [["main", "foo"]: 8, ["main", "new"]: 2])
    #expect(stacks(try #require(imported.base)) == [["main", "foo"]: 6, ["main", "bar"]: 5])
    #expect(imported.warnings == ["each line has two counts: the file is read as a difference, before and after"])
  }

  @Test(arguments: ["x y 12 5\nmain;foo 7\n", "main;foo 7\nx y 12 5\n", "thread;f 2 5\nthread;g 9\n"])
  func `where one line has one count, numbers before it belong to names`(text: String) throws {
    let imported = try read(text)
    let lines = text.split(separator: "\n").map { $0.split(separator: " ").dropLast().joined(separator: " ") }

    #expect(imported.base == nil)
    #expect(Set(stacks(imported.profile).keys.map { $0.joined(separator: ";") }) == Set(lines))
  }

  @Test func `a difference with fractions has both sides in one unit`() throws {
    let imported = try read("a 0.5 2\nb 1 0.25\n")

    #expect(stacks(imported.profile) == [["a"]: 200, ["b"]: 25])
    #expect(stacks(try #require(imported.base)) == [["a"]: 50, ["b"]: 100])
  }

  @Test func `counts that don't fit are no stacks`() throws {
    let imported = try read("a 288230376151711744\nb 1\nc 99999999999999999999\n")

    #expect(stacks(imported.profile) == [["a"]: ImportedProfile.weightLimit])
    #expect(imported.warnings[0].hasPrefix("2 lines"))
  }

  @Test func `a file without any stack is an error with its first line`() throws {
    #expect(
      throws: ImportError.noStacks(
        file: "x", line: nil, expected: "folded stacks: 'frame;frame;frame count' on each line")
    ) {
      try read("")
    }
    #expect(
      throws: ImportError.noStacks(
        file: "x", line: 2, expected: "folded stacks: 'frame;frame;frame count' on each line")
    ) {
      try read("# x\n<html>\n")
    }
  }

  @Test func `bytes that are no text are repaired`() throws {
    let imported = try FoldedReader.read(stream([0x61, 0xFF, 0x3B, 0x01, 0x20, 0x31]), file: "x")
    #expect(stacks(imported.profile) == [["a\u{FFFD}", "\u{1}"]: 1])
  }

  @Test func `random stacks come back, whatever the order of the lines and the length of the chunks`() throws {
    var generator = SystemRandomNumberGenerator()
    let names = (0..<40).map { "name\($0)" + String(repeating: "x", count: $0) }
    for round in 0..<30 {
      var expected: [[String]: UInt64] = [:]
      var lines: [String] = []
      for _ in 0..<200 {
        let stack = (0..<Int.random(in: 1...12, using: &generator)).map { _ in names.randomElement(using: &generator)! }
        let count = UInt64.random(in: 1...1000, using: &generator)
        expected[stack, default: 0] += count
        lines.append("\(stack.joined(separator: ";")) \(count)\n")
      }
      let imported = try FoldedReader.read(stream(lines.joined(), chunkBytes: 1 + round * 37), file: "x")
      #expect(stacks(imported.profile) == expected)
      #expect(imported.profile.values.count == expected.count)
    }
  }

  @Test func `any bytes are a profile or an error`() throws {
    var generator = SystemRandomNumberGenerator()
    let alphabet = Array("ab;; \n\n0123.#\r\t_[k]".utf8) + [0, 0xFF]
    for _ in 0..<300 {
      let bytes = (0..<Int.random(in: 0...80, using: &generator)).map { _ in alphabet.randomElement(using: &generator)!
      }
      guard let imported = try? FoldedReader.read(stream(bytes), file: "x") else { continue }
      #expect(imported.profile.values.allSatisfy { Int($0.stack) < imported.profile.stacks.nodes.count })
      // Of a difference one side may be empty: `a 3 0` is a stack that is gone.
      #expect(!imported.profile.values.isEmpty || imported.base?.values.isEmpty == false)
    }
  }

  @Test func `a line as long as a stack of a hundred thousand frames is read`() throws {
    let line = [String](repeating: "function_with_a_name", count: 100_000).joined(separator: ";") + " 3\n"
    let imported = try FoldedReader.read(stream(line, chunkBytes: 1 << 16), file: "x")
    #expect(imported.profile.stacks.nodes.count == 100_000)
  }
}

@Suite struct ProfileFormatTests {
  @Test(arguments: [
    ("a;b 1\n", ProfileFormat.folded), ("# c\nmain 12\n", .folded), ("", .folded), ("<html>", .folded),
    ("java 25607 4794564.109216: cycles: \n\t7f 1 x (y)\n\n", .perfScript),
    (
      "# captured\nxz  812/813  [000]  100.5:   10101010 cpu-clock:u: \n\tffffffff81 f+0x1 ([kernel.kallsyms])\n",
      .perfScript
    ),
    ("comm 12 cycles: \n  12 x (y)\n", .perfScript), ("\u{1F}\u{8B}", .folded), ("sh 12: 5;b: 7 1\n", .folded),
    ("\u{12};a 5\n", .folded), ("a::b;c: 5\n", .folded), ("dd 77 12157 5025125\ncc 3 5\n", .folded),
    ("\t            1270 spin\n\t            12b3 th\n\n\t            1270 spin\n\n", .perfScript),
    ("dd  12157 \n\t            1270 \n\t            12b3 \n\n", .perfScript),
  ])
  func `a text is what more of its lines are`(text: String, format: ProfileFormat) {
    #expect(ProfileFormat(startingWith: Array(text.utf8)) == format)
  }
}
