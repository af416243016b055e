import ELF
import Foundation
import Glibc
import LinuxSystem
import ProfileModel
import Testing
import Unwinding

@testable import Capture

/// What a capture that lasts for weeks holds of files and processes that are gone.
struct CodeSourcesTests {
  private func process(_ number: Int) -> ProcessID { ProcessID(rawValue: Int32.max - Int32(number)) }

  private func record(_ event: SidebandRecord.Event, _ process: ProcessID) -> SidebandRecord {
    SidebandRecord(
      time: MonotonicTime(nanoseconds: 1), process: process, thread: ThreadID(rawValue: process.rawValue), event: event)
  }

  private func mapping(_ path: String, inode: UInt64) -> SidebandRecord.Event {
    .mapping(MemoryMapping(start: 0x1000, end: 0x2000, fileOffset: 0, device: 1, inode: inode, path: path))
  }

  @Test func `an index is given to another source once its own is forgotten`() {
    var sources = CodeSources()
    let first = sources.add(.missing(path: "a"))
    let second = sources.add(.missing(path: "b"))

    #expect(sources.keep([second]) == [first])
    #expect(sources.count == 3)
    #expect(sources.add(.missing(path: "c")) == first)
    #expect(sources.add(.missing(path: "d")) == 4)
    #expect(sources.keep([]) == [first, second, 4])
    #expect(sources.keep([]).isEmpty)
    // The kernel and the vDSO stay.
    #expect(sources.count == 2)
  }

  @Test func `a process and a user have so many files opened, and those of others are opened all the same`() throws {
    let file = try OpenFile("/proc/self/exe")
    let users: [ProcessID: UInt32] = [process(1): 1000, process(2): 1000, process(3): 1001, process(4): 0]
    var limits = FileOpeners.Limits(ofProcess: 4, ofUser: 6)
    limits.user = { users[$0] }
    var sources = CodeSources(limits: limits)
    var inode: UInt64 = 0
    func open(_ count: Int, for process: ProcessID) -> Int {
      (0..<count).count { _ in
        inode += 1
        let mapping = MemoryMapping(start: 0, end: 1, fileOffset: 0, device: 1, inode: inode, path: "/\(inode)")
        let source = sources.file(for: mapping, of: process) { MappedFile(file: file, identity: .exact) }
        guard case .file = sources.sources[Int(source)] else { return false }
        return true
      }
    }

    #expect(open(10, for: process(1)) == 4)
    #expect(open(10, for: process(2)) == 2)
    #expect(open(10, for: process(3)) == 4)
    #expect(open(3, for: process(4)) == 3)
    #expect(sources.overLimit == [process(1), process(2), process(3)])
    // Once they are gone, there is room for others.
    _ = sources.keep([])
    #expect(open(10, for: process(2)) == 4)
  }

  @Test func `each image that 32-bit processes have as their vDSO is a source of its own`() throws {
    var sources = CodeSources()
    let first = sources.compatVDSO([1, 2, 3])
    let second = sources.compatVDSO([4])
    let missing = sources.compatVDSO(nil)

    #expect(Set([first, second, missing, CodeSources.vdso]).count == 4)
    #expect(sources.compatVDSO([1, 2, 3]) == first)
    #expect(sources.compatVDSO(nil) == missing)
    guard case .file(let file, "[vdso32]") = sources.sources[Int(first)] else {
      Issue.record("it can be read")
      return
    }
    #expect(try file.read() == [1, 2, 3])
    #expect(sources.keep([second]) == [first, missing])
    #expect(sources.compatVDSO([4]) == second)
    #expect(sources.compatVDSO([5]) == first)
    // Any number of processes may have changed theirs.
    for number in 0..<100 as Range<UInt8> { _ = sources.compatVDSO([6, number]) }
    #expect(sources.count <= 70)
  }

  /// A file of this machine, and the mapping that shows it.
  private func mappedFile(_ path: String) throws -> (file: OpenFile, mapping: MemoryMapping) {
    let file = try OpenFile(path).withSnapshot()
    let status = try file.status()
    return (
      file,
      MemoryMapping(
        start: 0x1000, end: 0x2000, fileOffset: 0, device: MemoryMapping.device(UInt64(status.st_dev)),
        inode: UInt64(status.st_ino), path: path)
    )
  }

  @Test func `a file that is overwritten is another source from then on`() throws {
    let path = NSTemporaryDirectory() + "/swprof-source-" + UUID().uuidString
    defer { unlink(path) }
    try "content".write(toFile: path, atomically: false, encoding: .utf8)
    let (file, mapping) = try mappedFile(path)
    var sources = CodeSources()
    let open = { MappedFile(file: file, identity: .exact) }
    let first = sources.file(for: mapping, of: process(1), open: open)
    #expect(sources.file(for: mapping, of: process(2), open: { nil }) == first)
    try "content and more".write(toFile: path, atomically: false, encoding: .utf8)

    let second = sources.file(for: mapping, of: process(2)) {
      (try? file.withSnapshot()).map { MappedFile(file: $0, identity: .exact) }
    }

    #expect(second != first)
    #expect(sources.file(for: mapping, of: process(1), open: { nil }) == second)
  }

  @Test func `a file that only has the inode of a mapping stands for that of its own process`() throws {
    let (file, mapping) = try mappedFile("/proc/self/exe")
    let (other, _) = try mappedFile("/bin/sh")
    var sources = CodeSources()
    let first = sources.file(for: mapping, of: process(1)) { MappedFile(file: other, identity: .layered) }

    let second = sources.file(for: mapping, of: process(2)) { MappedFile(file: file, identity: .layered) }
    let third = sources.file(for: mapping, of: process(3)) { MappedFile(file: file, identity: .layered) }
    let exact = sources.file(for: mapping, of: process(4)) { MappedFile(file: file, identity: .exact) }

    #expect(first != second)
    #expect(second == third)
    #expect(exact != first)
    #expect(sources.file(for: mapping, of: process(1), open: { nil }) == exact)
  }

  @Test func `the file of a mapping that is gone is looked for at its path, and only there believed`() throws {
    let files = try ["/proc/self/exe", "/bin/sh"].map { try mappedFile($0) }
    // What this process has at the place is its own program.
    let place = try #require(try ProcessTable.mappings(of: ProcessTable.own).first { $0.path.hasPrefix("/") })
    func record(_ index: Int, path: String) -> MemoryMapping {
      MemoryMapping(
        start: place.start, end: place.end, fileOffset: 0, device: files[index].mapping.device,
        inode: files[index].mapping.inode, path: path)
    }

    let found = try #require(MappedFile.open(record(1, path: "/bin/sh"), of: ProcessTable.own))
    #expect(try found.file.status().st_ino == files[1].file.status().st_ino)
    #expect(MappedFile.open(record(1, path: "/bin/true"), of: ProcessTable.own) == nil)
  }

  @Test func `the files of ten thousand programs that came and went are not held`() {
    var tracker = ProcessTracker(scope: .all, includesChildren: true) { _ in .none }
    var highest: SourceIndex = 0
    for number in 0..<10_000 {
      let process = process(number)
      tracker.apply(record(.name("a", isExec: true), process))
      tracker.apply(record(mapping("/nonexistent/\(number)", inode: UInt64(number + 1)), process))
      highest = max(highest, tracker.locate(0x1010, in: process).source)
      // Code without a file, and an address in no mapping, are sources of their own.
      _ = tracker.locate(0x9999, in: process)
      tracker.apply(record(.exit, process))
      tracker.forgetExited()
      if number % 100 == 0 { _ = tracker.forgetUnusedSources(except: []) }
    }
    _ = tracker.forgetUnusedSources(except: [])

    #expect(tracker.sourceCount == 2)
    #expect(highest < 300, "\(highest)")
  }

  @Test func `what a sample lies in is kept, and so is what is mapped`() {
    var tracker = ProcessTracker(scope: .all, includesChildren: true) { _ in .none }
    for number in 0..<3 {
      tracker.apply(record(.name("a", isExec: true), process(number)))
      tracker.apply(record(mapping("/nonexistent/\(number)", inode: UInt64(number + 1)), process(number)))
    }
    let places = (0..<3).map { tracker.locate(0x1010, in: process($0)).source }
    for number in 0..<2 { tracker.apply(record(.exit, process(number))) }
    tracker.forgetExited()

    #expect(tracker.forgetUnusedSources(except: [places[0]]) == [places[1]])
    #expect(tracker.locate(0x1010, in: process(2)).source == places[2])
  }

  @Test func `processes whose end was not seen are forgotten when records were lost`() {
    var tracker = ProcessTracker(scope: .all, includesChildren: true) { _ in .none }
    tracker.apply(record(.name("a", isExec: true), process(1)))
    tracker.apply(record(mapping("/nonexistent/a", inode: 1), process(1)))
    tracker.apply(record(.lost(1), process(1)))
    tracker.forgetExited()

    #expect(tracker.regions(of: process(1)) == nil)
  }

  @Test func `warnings do not grow without end`() {
    var tracker = ProcessTracker(scope: .all, includesChildren: true) { _ in .refused("no") }
    for number in 0..<1000 {
      tracker.apply(record(.name("a", isExec: true), process(number)))
      tracker.apply(
        record(.mapping(MemoryMapping(start: 0, end: 9, fileOffset: 0, device: 0, inode: 0, path: "")), process(number))
      )
      _ = tracker.locate(3, in: process(number))
    }

    #expect(tracker.warnings.count == 200)
  }

  @Test func `the recorder says which sources its samples lie in, and those that are too old in none`() {
    var tracker = ProcessTracker(scope: .all, includesChildren: true) { _ in .none }
    var samples = RecentSamples(span: 1000)
    for (number, time) in [(1, 10), (2, 1100)] as [(Int, UInt64)] {
      tracker.apply(record(.name("a", isExec: true), process(number)))
      tracker.apply(record(mapping("/nonexistent/\(number)", inode: UInt64(number)), process(number)))
      _ = samples.add(
        SampleRecord(
          time: MonotonicTime(nanoseconds: time), process: process(number), thread: ThreadID(rawValue: 7), cpu: 0,
          threadName: "t", processName: "p", userEnd: .complete, kernelEnd: .none, userStack: [0x1010], kernelStack: []),
        tracker: &tracker)
    }
    let places = (1...2).map { tracker.locate(0x1010, in: process($0)).source }

    #expect(samples.sources(at: MonotonicTime(nanoseconds: 1000)) == Set(places))
    #expect(samples.sources(at: MonotonicTime(nanoseconds: 1500)) == [places[1]])
    #expect(samples.sources(at: MonotonicTime(nanoseconds: 9000)).isEmpty)
  }

  @Test func `mappings carry when their program began, by the record of the exec or of the fork`() {
    var tracker = ProcessTracker(scope: .all, includesChildren: true) { _ in .none }
    func apply(_ event: SidebandRecord.Event, _ number: Int, at time: UInt64) {
      tracker.apply(
        SidebandRecord(
          time: MonotonicTime(nanoseconds: time), process: process(number), thread: ThreadID(rawValue: 1), event: event)
      )
    }
    apply(.name("a", isExec: true), 1, at: 10)
    apply(mapping("/nonexistent/a", inode: 1), 1, at: 20)
    apply(.fork(parent: process(1)), 2, at: 30)
    #expect(tracker.space(of: process(1))?.programStart == 10)
    #expect(tracker.space(of: process(2))?.programStart == 30)
    #expect(tracker.space(of: process(2))?.regions.count == 1)

    apply(.name("b", isExec: true), 2, at: 40)
    #expect(tracker.space(of: process(2))?.programStart == 40)
    #expect(tracker.space(of: process(2))?.regions.isEmpty == true)
  }

  @Test func `the start of a program that was not seen to begin is asked for before its mappings are read`() {
    var tracker = ProcessTracker(scope: .listed, includesChildren: false) { _ in .none }
    tracker.programStart = { process in process == ProcessTable.own ? 70 : 80 }

    tracker.follow(ProcessTable.own)

    #expect(tracker.space(of: ProcessTable.own)?.programStart == 70)
  }

  @Test func `a mapping that no record announced is found, and not looked for again at once`() throws {
    final class Clock {
      var now: UInt64 = 1_000_000_000
    }
    let clock = Clock()
    var tracker = ProcessTracker(
      scope: .listed, includesChildren: false, clock: { MonotonicTime(nanoseconds: clock.now) }
    ) { _ in .none }
    tracker.follow(ProcessTable.own)
    let file = open("/proc/self/exe", O_RDONLY)
    defer { close(file) }
    func map() throws -> UInt64 {
      let place = mmap(nil, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0)
      guard let place, place != MAP_FAILED else { throw Errno.last }
      return UInt64(UInt(bitPattern: place))
    }
    func path(of source: SourceIndex) -> String? {
      guard case .file(_, let path) = tracker.sources[Int(source)] else { return nil }
      return path
    }

    let first = try map()
    let found = tracker.locate(first + 16, in: ProcessTable.own)
    let second = try map()
    let tooSoon = tracker.locate(second + 16, in: ProcessTable.own)
    clock.now += 100_000_000
    let later = tracker.locate(second + 16, in: ProcessTable.own)

    #expect(found.address == 16)
    #expect(path(of: found.source) == ProcessTable.executable(of: ProcessTable.own))
    #expect(path(of: tooSoon.source) == nil)
    #expect(later.source == found.source)
    munmap(UnsafeMutableRawPointer(bitPattern: UInt(first)), 4096)
    munmap(UnsafeMutableRawPointer(bitPattern: UInt(second)), 4096)
  }
}
