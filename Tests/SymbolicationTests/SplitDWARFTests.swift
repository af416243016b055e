import ELF
import Glibc
import LinuxSystem
import ProfileModel
import SeededRandom
import Testing

@testable import Symbolication

/// Debugging information that lies in `.dwo` files or in a package of them, beside what LLVM says of a program with
/// all of it in one file.
@Suite struct SplitDWARFTests {
  private let workshop: Workshop

  init() throws {
    workshop = try Workshop()
    try workshop.write(
      """
      namespace shop {
      extern volatile unsigned long sink;
      template <class T> inline __attribute__((always_inline)) void hot(T n) {
        for (T i = 0; i < n; i++)
          sink += i ^ (i >> 3);
      }
      static inline __attribute__((always_inline)) void middle(unsigned long n) {
        hot(n);
        if (n > 7)
          hot(n / 2);
        sink++;
      }
      __attribute__((noinline)) void work(unsigned long n) {
        middle(n);
        sink++;
      }
      int other(int x);
      }
      int main(int argc, char **) {
        shop::work(argc);
        return shop::other(argc);
      }
      """, to: "one.cpp")
    try workshop.write(
      """
      namespace shop {
      volatile unsigned long sink;
      static inline __attribute__((always_inline)) int twice(int x) { sink += x;
        return x * 2; }
      __attribute__((noinline)) int other(int x) {
        return twice(x) + twice(x + 1);
      }
      }
      """, to: "two.cpp")
  }

  /// Builds the program as a whole and split, with the same code.
  private func build(_ compiler: String = "g++", _ options: String) throws {
    try workshop.run("mkdir -p obj")
    for (mode, flag) in [("whole", ""), ("split", "-gsplit-dwarf")] {
      for source in ["one", "two"] {
        try workshop.run("\(compiler) -O2 -g \(options) \(flag) -c \(source).cpp -o obj/\(mode)-\(source).o")
      }
      try workshop.run("\(compiler) -O2 -o \(mode) obj/\(mode)-one.o obj/\(mode)-two.o")
    }
  }

  /// All addresses of three functions.
  private func addresses(_ name: String) throws -> [UInt64] {
    try ["main", "_ZN4shop4workEm", "_ZN4shop5otherEi"].flatMap { function in
      let (start, size) = try workshop.function(function, in: name)
      return Array(start..<start + size)
    }
  }

  /// Functions and lines of addresses of the whole program, as LLVM tells them: from the innermost out.
  private func truth(_ addresses: [UInt64]) throws -> [[String]] {
    try workshop.write(addresses.map { "0x" + String($0, radix: 16) }.joined(separator: "\n") + "\n", to: "asked")
    try workshop.run("llvm-addr2line -a -f -C -i -e whole < asked > told")
    var told: [[String]] = []
    for line in try OpenFile.text(of: workshop.path("told")).split(separator: "\n") {
      if line.hasPrefix("0x") {
        told.append([])
      } else if told[told.count - 1].count % 2 == 0 {
        told[told.count - 1].append(String(line))
      } else {
        // Perhaps with a discriminator. Line 0 is none.
        let place = String(line.split(separator: " ")[0])
        told[told.count - 1].append(place.hasSuffix(":0") || place.hasSuffix(":?") ? "??:?" : place)
      }
    }
    try #require(told.count == addresses.count)
    return told
  }

  private func lines(_ frames: [NamedFrame]) -> [String] {
    frames.flatMap { [$0.function, $0.source.map { "\($0.file):\($0.line)" } ?? "??:?"] }
  }

  private func expectTruth(of name: String = "split") throws {
    let addresses = try addresses("whole")
    try #require(try self.addresses("split") == addresses)
    let told = try truth(addresses)

    let named = try workshop.symbolicate(addresses, in: name)

    #expect(named.warnings == [])
    var wrong: [String] = []
    for ((address, frames), told) in zip(zip(addresses, named.frames), told)
    where lines(frames) != told {
      wrong.append("\(String(address, radix: 16)): \(lines(frames)), not \(told)")
    }
    #expect(wrong.isEmpty, "\(wrong.count) of \(addresses.count): \(wrong.prefix(5))")
    #expect(named.frames.contains { $0.count == 3 })
    #expect(named.frames.contains { $0.count == 2 && ["twice", "shop::twice(int)"].contains($0[0].function) })
  }

  @Test(arguments: [
    ("g++", "-gdwarf-4"), ("g++", "-gdwarf-5"), ("clang++ -fuse-ld=bfd", "-gdwarf-4"),
    ("clang++ -fuse-ld=bfd", "-gdwarf-5"), ("g++", "-gdwarf-5 -gz=zlib"), ("g++", "-gdwarf-4 -fdebug-types-section"),
    ("g++", "-gdwarf-5 -fdebug-types-section"), ("clang++ -fuse-ld=bfd", "-gdwarf-5 -fno-split-dwarf-inlining"),
    ("clang++ -fuse-ld=bfd", "-gdwarf-4 -fno-split-dwarf-inlining"),
  ])
  func `functions and lines of object files are those of a program that has them itself`(
    compiler: String, options: String
  ) throws {
    try build(compiler, options)

    try expectTruth()
  }

  @Test(arguments: [("-gdwarf-4", "dwp"), ("-gdwarf-4", "llvm-dwp"), ("-gdwarf-5", "llvm-dwp")])
  func `functions and lines of a package are those of a program that has them itself`(
    options: String, tool: String
  ) throws {
    try build("g++", options)
    try workshop.run("\(tool) -e split -o split.dwp && rm obj/*.dwo")

    try expectTruth()
  }

  @Test func `the object files of a stripped program are found by its debug file`() throws {
    try build("g++", "-gdwarf-5")
    try workshop.run(
      "objcopy --only-keep-debug split split.debug; strip split; objcopy --add-gnu-debuglink=split.debug split")
    let addresses = try addresses("whole")

    let named = try workshop.symbolicate(addresses, in: "split")

    #expect(named.frames.contains { $0.count == 3 })
    #expect(named.warnings == [])
  }

  @Test(arguments: ["-gdwarf-4", "-gdwarf-5"])
  func `where object files are missing one warning says so, and no line of an inlined function is shown`(
    options: String
  ) throws {
    try build("g++", options)
    try workshop.run("rm obj/*.dwo")
    let addresses = try addresses("whole")

    let named = try workshop.symbolicate(addresses, in: "split")

    #expect(named.frames.allSatisfy { $0.count == 1 && $0[0].source == nil && !$0[0].function.hasPrefix("[") })
    #expect(named.warnings.count == 1)
    #expect(
      named.warnings.first?.contains(
        "2 files with its split debugging information, such as 'obj/split-one.dwo', were not found, nor 'split.dwp'")
        == true, "\(named.warnings)")
  }

  @Test func `the object file of another build is not used`() throws {
    try build("g++", "-gdwarf-5")
    try workshop.run(
      "sed -i s/twice/thrice/g two.cpp; g++ -O2 -g -gsplit-dwarf -gdwarf-5 -c two.cpp -o obj/split-two.o")
    let (start, size) = try workshop.function("_ZN4shop5otherEi", in: "whole")

    let named = try workshop.symbolicate(Array(start..<start + size), in: "split")

    #expect(named.frames.allSatisfy { $0.count == 1 && $0[0].source == nil })
    #expect(named.warnings.count == 1)
  }

  @Test func `a pipe in the place of an object file is not opened`() throws {
    try build("g++", "-gdwarf-5")
    try workshop.run("rm obj/*.dwo; mkfifo obj/split-one.dwo; ln -s /dev/zero obj/split-two.dwo")

    #expect(try workshop.symbolicate(try addresses("whole"), in: "split").warnings.count == 1)
  }

  @Test func `changed object files and packages cost no more than honest ones, and trap nothing`() throws {
    let count = getenv("SWPROF_MUTATIONS").flatMap { Int(String(cString: $0)) } ?? 150
    var random = SplitMix(state: 4)
    for version in [4, 5] {
      try build("g++", "-gdwarf-\(version)")
      var files = ["obj/split-one.dwo"]
      if version == 4 {
        try workshop.run("dwp -e split -o split.dwp; mv split.dwp package")
        files.append("package")
      }
      let program = try workshop.bytes("split")
      let file = try ELFFile(.memory(program))
      let wanted = WantedAddresses(try addresses("whole").filter { $0 % 3 == 0 })
      for name in files {
        let honest = try workshop.bytes(name)
        let scratch = try OpenFile.inMemory("mutated")
        try scratch.append(honest)
        var found = 0
        for _ in 0..<count {
          var changes: [(Int, UInt8)] = []
          for _ in 0..<(1 + random.next() % 6) {
            changes.append(
              (Int(random.next() % UInt64(honest.count)), UInt8(truncatingIfNeeded: random.next())))
          }
          for (place, byte) in changes { try #require(pwrite(scratch.descriptor, [byte], 1, place) == 1) }
          var meter = NamingMeter(NamingBudget(), hasTimeLimit: true, work: 1 << 22)
          let split = SplitUnits(of: file, paths: ["/x/split"]) { path in
            path.hasSuffix(".dwp") == (name == "package") ? scratch : nil
          }
          let source = try ByteSource(try OpenFile(workshop.path("split")))
          let places = DebugInformation(source)?.places(of: wanted, &meter, split: split).places ?? []
          found += places.count { !$0.inlined.isEmpty }
          for (place, _) in changes { try #require(pwrite(scratch.descriptor, [honest[place]], 1, place) == 1) }
        }
        #expect(found > 0)
      }
    }
  }
}
