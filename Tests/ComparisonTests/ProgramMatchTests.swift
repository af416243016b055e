import Comparison
import ProfileModel
import Testing

@Suite struct ProgramMatchTests {
  /// What functions of both sides weigh under the names that the sides share.
  private func costs(_ base: Profile, _ new: Profile) -> (base: [String: UInt64], new: [String: UInt64]) {
    let match = ProgramMatch(base: [base], new: [new])
    return (FunctionCosts(match.base(base)).plain, FunctionCosts(match.new(new)).plain)
  }

  @Test func `two names of one program are one module`() {
    let sides = costs(
      profile(["/b/old-bench!main;/b/old-bench!f": 70, "/b/old-bench!main;/lib/libc.so.6!memcpy": 30]),
      profile(["/b/new-bench!main;/b/new-bench!f": 80, "/b/new-bench!main;/lib/libc.so.6!memcpy": 20]))

    #expect(sides.base == ["[program]!f": 70, "libc.so.6!memcpy": 30])
    #expect(sides.new == ["[program]!f": 80, "libc.so.6!memcpy": 20])
  }

  @Test func `what was taken for one is said, unless the names say it`() {
    let old = profile(["/b/old-bench!main;/b/libold.so!f": 70])
    let new = profile(["/b/new-bench!main;/b/libnew.so!f": 70])

    #expect(
      ProgramMatch(base: [old], new: [new]).notes == [
        "'old-bench' of the base and 'new-bench' are compared as one",
        "'libold.so' of the base and 'libnew.so' are compared as one",
      ])
    #expect(ProgramMatch(base: [old], new: [old]).notes.isEmpty)
  }

  @Test func `a program whose stacks begin in the C library is found`() {
    let sides = costs(
      profile(["/lib/libc.so.6!start;/b/old-bench!main": 9]), profile(["/lib/libc.so.6!start;/b/new-bench!main": 9]))

    #expect(sides.base == ["[program]!main": 9])
    #expect(sides.base == sides.new)
  }

  @Test func `main programs are one even if no function kept its name, or none has one`() {
    let renamed = costs(profile(["/b/old!a;/b/old!b": 5]), profile(["/b/new!c;/b/new!d": 5]))
    #expect(renamed.base == ["[program]!b": 5])
    #expect(renamed.new == ["[program]!d": 5])

    let stripped = costs(
      profile(["/b/old!_start;/b/old![old+0x12]": 5]), profile(["/b/new!_start;/b/new![new+0x99]": 5]))
    #expect(stripped.base == ["[program]![program+0x]": 5])
    #expect(stripped.base == stripped.new)
  }

  @Test func `programs of equal names are one, whichever runs longer`() {
    let sides = costs(
      profile(["/bin/sh!main": 60, "/b/bench!main;/b/bench!f": 40]),
      profile(["/bin/sh!main": 40, "/b/bench!main;/b/bench!f": 60]))

    #expect(Set(sides.base.keys) == Set(sides.new.keys))
    #expect(sides.base.values.sorted() == [40, 60])
  }

  @Test func `a shell that runs longer than the programs does not take their place`() {
    let sides = costs(
      profile(["/bin/sh!main": 90, "/b/old-bench!main;/b/old-bench!f": 10]),
      profile(["/bin/sh!main": 90, "/b/new-bench!main;/b/new-bench!f": 11]))

    #expect(Set(sides.base.keys) == Set(sides.new.keys))
  }

  @Test func `several programs are told apart by their functions, whichever runs longer`() {
    let sides = costs(
      profile(["/b/old-a!main;/b/old-a!parse": 60, "/b/old-b!main;/b/old-b!print": 40]),
      profile(["/b/new-a!main;/b/new-a!parse": 40, "/b/new-b!main;/b/new-b!print": 60]))

    #expect(Set(sides.base.keys) == Set(sides.new.keys))
    #expect(sides.base.count == 2)
  }

  @Test(arguments: [
    ("bench-1a2b3c4d5e6f7a8b", "bench-8b7a6f5e4d3c2b1a", "libfoo-1a2b3c4d.so", "libfoo-99aabbcc.so"),
    ("bench-old", "bench-new", "libfoo-old.so", "libfoo-new.so"),
    ("bench", "bench", "libfoo.so.1.2", "libfoo.so.1.3"),
    ("bench (deleted)", "bench", "libfoo.so", "libfoo.so (deleted)"),
  ])
  func `files that a build made are one under both their names`(names: (String, String, String, String)) {
    func side(_ program: String, _ library: String) -> Profile {
      profile(["/b/\(program)!main;/b/\(library)!foo": 30, "/b/\(program)!main": 20])
    }
    let sides = costs(side(names.0, names.2), side(names.1, names.3))

    #expect(sides.base == sides.new)
    #expect(sides.base["[program]!main"] == 20)
  }

  @Test func `libraries that have nothing in common stay apart`() {
    let sides = costs(
      profile(["/b/bench!main;/lib/libssl.so!encrypt": 5]), profile(["/b/bench!main;/lib/libz.so!deflate": 5]))

    #expect(sides.base == ["libssl.so!encrypt": 5])
    #expect(sides.new == ["libz.so!deflate": 5])
  }

  @Test func `just-in-time code is one module, whatever file it was written to`() {
    let sides = costs(
      profile(["/usr/bin/node!main;/tmp/perf-11.map!hot": 5]), profile(["/usr/bin/node!main;/tmp/perf-222.map!hot": 5]))

    #expect(sides.base == ["[jit]!hot": 5])
    #expect(sides.base == sides.new)
  }

  @Test func `the process at the root of folded stacks is one under both its names`() {
    let sides = costs(
      profile(["old-bench;main;f": 6, "old-bench;[old-bench+0x12]": 2, "old-bench;main;[old-bench]": 1, "old-bench": 1]
      ),
      profile(["new-bench;main;f": 6, "new-bench;[new-bench+0x77]": 2, "new-bench;main;[new-bench]": 1, "new-bench": 1])
    )

    #expect(sides.base == ["f": 6, "[program+0x]": 2, "[program]": 2])
    #expect(sides.base == sides.new)
  }

  @Test func `a process's name that the kernel has cut is that of its file`() {
    let sides = costs(
      profile(["bench-before-th;main;f": 6, "bench-before-th;[bench-before-the-change+0x12]": 2]),
      profile(["bench-after-the;main;f": 6, "bench-after-the;[bench-after-the-change+0x99]": 2]))

    #expect(sides.base == ["f": 6, "[program+0x]": 2])
    #expect(sides.base == sides.new)
  }

  @Test func `functions at the root of folded stacks keep their names`() {
    let sides = costs(profile(["parse": 70, "print": 30]), profile(["parse2": 70, "print": 30]))

    #expect(sides.base == ["parse": 70, "print": 30])
    #expect(sides.new == ["parse2": 70, "print": 30])
  }

  @Test func `where one side knows no modules, functions are compared by their names alone`() {
    let sides = costs(
      profile(["bench;main;f": 6, "bench;main;g": 1]),
      profile(["/b/bench!main;/b/bench!f": 6, "/b/bench!main;/b/bench!g": 1]))

    #expect(sides.base == ["f": 6, "g": 1])
    #expect(sides.base == sides.new)
  }

  @Test func `processes are one where their programs are, so that both are drawn on one root`() {
    let base = profile(["/b/old-bench!main": 5], process: "old-bench")
    let new = profile(["/b/new-bench!main": 5], process: "new-bench")
    let match = ProgramMatch(base: [base], new: [new])

    #expect(match.base(base).threads.map(\.processName) == ["[program]"])
    #expect(match.new(new).threads.map(\.name) == ["[program]"])
  }

  @Test func `a profile matches itself under any names`() {
    var draw = Draw(seed: 77)
    for _ in 0..<200 {
      let functions = (0..<12).map { "f\($0)_\(draw.next() % 50)" }
      func side(_ names: [String]) -> Profile {
        var draw = Draw(seed: 5)
        var stacks: [String: UInt64] = [:]
        for index in 0..<12 {
          let library = names[1 + Int(draw.next() % 3)]
          stacks["/x/\(names[0])!main;/x/\(library)!\(functions[index])", default: 0] += draw.next() % 900 + 1
        }
        return profile(stacks, process: names[0])
      }
      let sides = costs(
        side(["old", "liba-old.so", "libb-old.so", "libc-old.so"]), side(["new", "liba-1.so", "x.so", "libc-new.so"]))
      #expect(sides.base == sides.new)
    }
  }

  @Test func `any number of modules takes bounded time`() {
    func side(_ name: String) -> Profile {
      var stacks: [String: UInt64] = [:]
      for index in 0..<3000 { stacks["/x/main!main;/x/\(name)\(index)!f\(index)"] = 1 }
      return profile(stacks)
    }
    let sides = costs(side("a"), side("b"))
    #expect(sides.base.count == 3000)
  }
}
