import Foundation
import ProfileModel
import Testing

@testable import Importing

@Suite struct PerfScriptReaderTests {
  private func read(_ text: String) throws -> ImportedProfile { try PerfScriptReader.read(stream(text), file: "x") }

  /// Samples of perf 6.1, as `perf script -F comm,pid,tid,time,period,event,ip,sym,symoff,dso` prints them: a C++ program
  /// with two threads, walked by DWARF, and two samples of node's just-in-time compiled code.
  private func recorded() throws -> ImportedProfile {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/perf-script.txt")
    return try read(String(contentsOf: file, encoding: .utf8))
  }

  @Test func `real samples are all read, with their threads and times`() throws {
    let imported = try recorded()
    let profile = imported.profile

    #expect(imported.warnings.isEmpty)
    #expect(imported.hasThreads)
    #expect(imported.kind == .onCPU)
    #expect(profile.total == Weight(count: 10, nanoseconds: 8 * 40_000_000 + 2 * 52_631_578))
    #expect(
      Set(profile.threads.map { "\($0.process)/\($0.thread) \($0.processName) \($0.name)" }) == [
        "28105/28107 shop-workload disk writer 1", "28105/28105 shop-workload shop-workload", "28130/28130 node node",
      ])
    let timeline = try #require(profile.timeline)
    #expect(timeline.slotNanoseconds == 100_000_000)
    #expect(timeline.entries.first?.slot == 0)
    // From 42012.254468 to 42015.676073.
    #expect(timeline.slotCount == 35)
    #expect(timeline.entries.reduce(0) { $0 + $1.count } == 10)
  }

  @Test func `real frames have their kinds and modules`() throws {
    let profile = try recorded().profile
    func frame(_ name: String) throws -> Frame { try #require(profile.frames.first { $0.function == name }) }
    func module(_ name: String) throws -> String? { try frame(name).module.map { profile.modules[$0].path } }

    #expect(try frame("vfs_write").origin == .kernel)
    #expect(try module("vfs_write") == "[kernel]")
    #expect(try frame("shop::total<double>").origin == .user)
    #expect(try module("shop::total<double>") == "/usr/local/bin/shop-workload")
    #expect(try frame("inner_step").isInlined)
    #expect(try frame("JS:*hot /usr/local/share/hot.js:1:13").origin == .jit)
    #expect(try module("v8::internal::(anonymous namespace)::Invoke") == "/usr/bin/node")
    #expect(
      stacks(profile)[
        [
          "_start", "__libc_start_main_impl_[i]", "__libc_start_call_main", "main", "shop::total<double>",
          "inner_step_[i]", "__sin_fma", "do_sincos_[i]", "do_sin_[i]",
        ]] == 1)
  }

  @Test(arguments: [
    ("sh 12 100.5: cycles: ", "12/12 sh", 100_500_000_000),
    ("sh 12/13 [003] 7.000001:  99 cycles:ppp: ", "12/13 sh", 7_000_001_000),
    ("my worker 3  12/13 7.25: cpu-clock:", "12/13 my worker 3", 7_250_000_000),
    ("swapper     0 [000] 1.1: 5 c: ", "0/0 swapper", 1_100_000_000),
    ("a:b 1/2 3.4: c:", "1/2 a:b", 3_400_000_000), ("日本 語 1/2 3.4: c:", "1/2 日本 語", 3_400_000_000),
  ])
  func `a sample's first line tells thread and time`(line: String, thread: String, time: UInt64) throws {
    let header = try #require(PerfScriptHeader(line))
    #expect("\(header.thread.process)/\(header.thread.thread) \(header.thread.name)" == thread)
    #expect(header.time == time)
  }

  @Test(arguments: ["", "no number here", "12", "sh: 12", "sh 99999999999 1.2: c:", "sh 1/2/3 1.2: c:"])
  func `other lines are no first lines`(line: String) { #expect(PerfScriptHeader(line) == nil) }

  @Test(arguments: [
    ("7f12 f+0x10 (/lib/x.so)", "f", "/lib/x.so", FrameOrigin.user),
    ("7f12 operator()(int)", "operator()(int)", "", .user),
    ("7f12 a+0xfg (/x)", "a+0xfg", "/x", .user), ("7f12 f (/x/y (deleted))", "f", "/x/y (deleted)", .user),
    ("7f12 [unknown] (/lib/x.so)", "[x.so]", "/lib/x.so", .unresolved),
    ("7f12 [unknown] ([unknown])", "[unknown]", "", .unresolved),
    ("ffffffff81000000 do_idle+0x1 ([kernel.kallsyms])", "do_idle", "[kernel]", .kernel),
    ("ffffffffc0000000 nft_do_chain+0x1 ([nf_tables])", "nft_do_chain", "[nf_tables]", .kernel),
    ("7f12 Lhot;::run+0x1 (/tmp/perf-9.map)", "Lhot;::run", "/tmp/perf-9.map", .jit),
    ("ffffffff81000000 do_idle+0x1 (/usr/lib/debug/boot/vmlinux-6.1.0-18-amd64)", "do_idle", "[kernel]", .kernel),
    ("100 f (/usr/lib/debug/lib/modules/6.1.0/vmlinux)", "f", "[kernel]", .kernel),
    ("ffffffffa1 g ([guest.kernel.kallsyms])", "g", "[guest.kernel]", .kernel),
    ("7f12 f+0x1 (/lib/x.so+0x112)", "f", "/lib/x.so", .user), ("7f12 f (inlined)", "f", "", .user),
    ("7f12 f (/lib/x.so) (inlined)", "f", "/lib/x.so", .user),
    ("7f12 std::f(int) const (/a b)", "std::f(int) const", "/a b", .user), ("0", "[unknown]", "", .unresolved),
  ])
  func `a frame has its name, module and kind`(line: String, name: String, module: String, origin: FrameOrigin) throws {
    let frame = try #require(PerfScriptFrame(line))
    #expect(frame.function == name)
    #expect(frame.module ?? "" == module)
    #expect(frame.origin == origin)
  }

  @Test func `samples without stacks count, on lines of their own or with one frame beside them`() throws {
    let imported = try read("sh 1/1 1.0: c: \nsh 1/1 1.1: c:  12 f (/x)\n\nsh 1/1 1.2: c:  12 f (/x)\n")
    #expect(stacks(imported.profile) == [["[no stack]"]: 1, ["f"]: 2])
    #expect(imported.profile.timeline?.slotCount == 3)
  }

  @Test func `programs whose names are hexadecimal numbers are no frames`() throws {
    let imported = try read("  dd 1/1 1.0: c: \n\t12 f (/x)\n  dd 1/1 1.1: c: \n\t12 f (/x)\n\n")
    #expect(stacks(imported.profile) == [["f"]: 2])
    #expect(imported.profile.threads.map(\.name) == ["dd"])
  }

  @Test func `source lines belong to the frame above`() throws {
    let imported = try read(
      """
      sh 1/1 1.0: c:
      \tffffffff81000130 entry
        [kernel.kallsyms][ffffffff81000130]
      \t12 f
        write.c:26
      \t13 main
        ??:0

      """)
    #expect(stacks(imported.profile) == [["main", "f", "entry_[k]"]: 1])
    #expect(imported.warnings.isEmpty)
    #expect(
      imported.profile.frames.filter { $0.function == "f" }.map(\.source)
        == [nil, SourceLocation(file: "write.c", line: 26)])
  }

  @Test func `a line that is not understood is told of and ends no sample`() throws {
    let imported = try read("sh 1/1 1.0: c:\n\t12 f (/x)\n  what is this\n\t13 g (/x)\n\nnonsense\n")
    #expect(stacks(imported.profile) == [["g", "f"]: 1])
    #expect(imported.warnings == ["2 lines were not understood and passed over, the first one is line 3"])
  }

  @Test func `of several events one is reported, and which is told`() throws {
    let text =
      "sh 1/1 1.0: page-faults:\n\t12 f\n\nsh 1/1 1.1: page-faults:\n\t13 g\n\nsh 1/2 1.2: cycles:u:\n\t14 h\n\n"
    let imported = try read(text)
    #expect(stacks(imported.profile) == [["h"]: 1])
    #expect(imported.kind == .onCPU)
    #expect(imported.profile.threads.map(\.thread.rawValue) == [2])
    #expect(
      imported.warnings
        == ["samples of 'cycles:u' are reported; --event chooses another one: page-faults (2)"])

    for name in ["cycles", "cycles:u"] {
      #expect(stacks(try PerfScriptReader.read(stream(text), file: "x", event: name).profile) == [["h"]: 1])
    }
    let faults = try PerfScriptReader.read(stream(text), file: "x", event: "page-faults")
    #expect(stacks(faults.profile) == [["f"]: 1, ["g"]: 1])
    #expect(faults.warnings.isEmpty)
    #expect(throws: ImportError.noSuchEvent(file: "x", event: "no", known: ["cycles:u", "page-faults"])) {
      try PerfScriptReader.read(stream(text), file: "x", event: "no")
    }
  }

  @Test func `one event counted by several units or modes is one`() throws {
    for pair in [("cpu_core/cycles/P", "cpu_atom/cycles/P"), ("cycles:u", "cycles:k")] {
      let imported = try read("sh 1/1 1.0: \(pair.0):\n\t12 f\n\nsh 1/1 1.1: \(pair.1):\n\t13 g\n\n")
      #expect(stacks(imported.profile) == [["f"]: 1, ["g"]: 1])
      #expect(imported.warnings.isEmpty)
    }
  }

  @Test func `samples without a time have no timeline`() throws {
    let imported = try read("sh 1/1 1.0: cycles:\n\t12 f\n\nsh 1/1 cycles:\n\t12 f\n\n")
    #expect(imported.profile.timeline == nil)
    #expect(imported.profile.total.count == 2)
  }

  @Test func `samples weigh by periods that differ, and their number is kept`() throws {
    let imported = try read(
      "sh 1/1 1.0:          1 page-faults: \n\t12 f\n\nsh 1/1 1.05:         99 page-faults: \n\t13 g\n\nsh 1/1 1.3:        900 page-faults: \n\t13 g\n\n"
    )
    #expect(imported.amount == ImportedAmount(name: "page-faults", unit: "count"))
    #expect(imported.profile.total == Weight(count: 3, nanoseconds: 1000))
    #expect(stacks(imported.profile.weighedByAmount) == [["f"]: 1, ["g"]: 999])
    // A part of the time has its own periods, and no mean.
    #expect(imported.profile.during(0..<1)?.total == Weight(count: 2, nanoseconds: 100))
    #expect(stacks(try #require(imported.profile.weighedByAmount.during(1..<4))) == [["g"]: 900])
  }

  @Test func `equal periods of no clock leave counts alone`() throws {
    let imported = try read("sh 1/1 1.0: 1000 cycles:\n\t12 f\n\nsh 1/1 1.1: 1000 cycles:\n\t12 f\n\n")
    #expect(imported.amount == nil)
    #expect(imported.profile.total == Weight(count: 2, nanoseconds: 0))
  }

  @Test func `what we print of many samples and of waits is read back as it was`() throws {
    let many = try read(
      "# more than 1000000 samples: equal ones are one, and the period is their number\n\nsh 1/1 0.1: 700 cpu-clock:\n\t12 f\n\nsh 1/1 0.2: 300 cpu-clock:\n\t13 g\n\n"
    )
    #expect(stacks(many.profile) == [["f"]: 700, ["g"]: 300])
    #expect(many.amount == nil)
    let waits = try read("sh 1/1 0.1: 5000 offcpu-time:\n\t12 f\n\nsh 1/1 0.2: 7 offcpu-time:\n\t12 f\n\n")
    #expect(waits.kind == .offCPU)
    #expect(waits.profile.total == Weight(count: 2, nanoseconds: 5007))
  }

  @Test func `mappings and the like are no samples`() throws {
    let imported = try read(
      "sh 1/1 1.0: PERF_RECORD_MMAP2 1/1: [0x1(0x2) @ 0 00:00 0 0]: r-xp /x\nsh 1/1 1.1: cycles:\n\t12 f\n\n")
    #expect(stacks(imported.profile) == [["f"]: 1])
    #expect(imported.warnings.isEmpty)
  }

  @Test func `times far apart and out of order make slots longer, not more than fit`() throws {
    let imported = try read("a 1 8589934591.9: c:\n\t1 f\n\na 1 0.0: c:\n\t1 f\n\n")
    let timeline = try #require(imported.profile.timeline)
    #expect(timeline.entries.map(\.count) == [1, 1])
    #expect(timeline.slotCount > 1 << 19 && timeline.slotCount <= 1 << 20)
    #expect(timeline.slotNanoseconds == 100_000_000 << 17)
  }

  @Test func `periods that don't fit are left out, their samples are not`() throws {
    let sample = "a 1 1.0: 288230376151711744 cpu-clock:\n\t1 f\n\n"
    let imported = try read(sample + sample + "a 1 1.0: 18446744073709551615 cpu-clock:\n\t2 g\n\n")
    #expect(imported.profile.total == Weight(count: 3, nanoseconds: ImportedProfile.weightLimit))
    #expect(!imported.isTooHeavy)
    var many = imported
    many.runs = [Profile](repeating: imported.profile, count: 17)
    #expect(many.isTooHeavy)
  }

  @Test func `a file without samples is an error`() {
    #expect(throws: ImportError.self) { try read("# only comments\n\n") }
    #expect(throws: ImportError.self) { try read("nonsense\n") }
  }

  @Test func `any bytes are a profile or an error`() throws {
    var generator = SystemRandomNumberGenerator()
    let pieces = [
      "sh 1/2 3.4: c:", "\n", "\n\n", "\t12 f+0x1 (/x)", "(", ")", "[unknown]", "+0x", " ", "-1", "x:9", "\u{0}",
      "\r\n",
      "99999999999999999999.1:", "\u{FFFD}", "#", "(inlined)", "ffffffffffffffff g ([k])",
    ]
    for _ in 0..<300 {
      let text = (0..<Int.random(in: 0...30, using: &generator)).map { _ in
        pieces.randomElement(using: &generator) ?? ""
      }
      guard let imported = try? read(text.joined()) else { continue }
      let profile = imported.profile
      #expect(profile.values.allSatisfy { Int($0.stack) < profile.stacks.nodes.count })
      #expect(profile.frames.allSatisfy { !$0.function.isEmpty && $0.module ?? 0 < max(1, profile.modules.count) })
      #expect(profile.timeline?.entries.allSatisfy { Int($0.value) < profile.values.count } ?? true)
    }
  }

  @Test func `a stack of two hundred thousand frames is cut, and that is shown`() throws {
    let frames = String(repeating: "\t4011 a+0x1 (/x)\n", count: 200_000)
    let profile = try read("x 1/1 1.5: cpu-clock:\n\(frames)\n").profile
    let path = profile.stacks.path(to: profile.values[0].stack).map { profile.frames[$0] }

    #expect(path.count == 131_073)
    #expect(path[0].isTruncation && path[1].function == "a")
  }
}
