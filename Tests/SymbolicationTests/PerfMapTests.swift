import Glibc
import LinuxSystem
import ProfileModel
import SeededRandom
import Testing

@testable import Symbolication

@Suite struct PerfMapTests {
  private func names(_ addresses: [UInt64], _ text: String) -> [String?] {
    PerfMap.names(of: WantedAddresses(addresses), in: Array(text.utf8)).names
  }

  @Test func `entries with and without 0x and names with spaces are read`() {
    let map = """
      7f0000001000 40 LazyCompile:~run file.js:1
      0x00007f7240ec7640 0x0000000000000130 int J.fib(int)
      """
    #expect(
      names([0x7f00_0000_1000, 0x7f00_0000_103f, 0x7f00_0000_1040, 0x7f72_40ec_7700], map)
        == ["LazyCompile:~run file.js:1", "LazyCompile:~run file.js:1", nil, "int J.fib(int)"])
  }

  @Test func `of entries that overlap the later one counts`() {
    #expect(names([0x1000, 0x1010, 0x1020], "1000 100 old\n1010 10 new\n") == ["old", "new", "old"])
  }

  @Test func `the last line needs no end`() {
    #expect(names([0x10], "10 1 a") == ["a"])
  }

  @Test(arguments: [
    "", "\n\n\n", "1000", "1000 ", "1000 10", "1000 10 ", "zzzz 10 f", "1000 zz f", "-1000 10 f", "0x 0x f",
    "11111111111111111111 10 f", "1000 11111111111111111111 f", "ffffffffffffffff ffffffffffffffff f",
    "\u{0}\u{1}\u{2}",
  ])
  func `what is no entry is passed over`(line: String) {
    #expect(names([0x1000], line + "\n1000 1 good\n") == ["good"])
  }

  @Test func `binary junk is survived`() {
    var random = SplitMix(state: 3)
    let junk = (0..<200_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    let result = PerfMap.names(of: WantedAddresses([0, 0x1000, .max]), in: junk)
    #expect(result.names.count == 3)
  }

  @Test func `an overlong line is cut and the next one read`() {
    let long = "1000 10 " + String(repeating: "x", count: 300_000)
    let found = names([0x1000, 0x2000], long + "\n2000 10 next\n")
    #expect(found[0]?.utf8.count == 1_024)
    #expect(found[1] == "next")
  }

  @Test func `a file beyond the limit is cut, with a warning`() {
    let text = String(repeating: "1000 10 f\n", count: 20_000) + "2000 10 g\n"
    let result = PerfMap.names(of: WantedAddresses([0x1000, 0x2000]), in: Array(text.utf8), limit: 100_000)
    #expect(result.names == ["f", nil])
    #expect(result.warning != nil)
  }

  @Test func `entries that all cover everything end the reading`() {
    let text = String(repeating: "0 ffffffffffffffff f\n", count: 500)
    let result = PerfMap.names(of: WantedAddresses((0..<50_000).map { UInt64($0) }), in: Array(text.utf8))
    #expect(result.names[7] == "f")
    #expect(result.warning?.contains("overlap") == true)
  }

  @Test func `frames say whether a compiler named them`() throws {
    let workshop = try Workshop()
    try workshop.write("1000 10 JS:*fib a.js\n", to: "map")
    var symbolicator = Symbolicator()
    let process = ProcessID(rawValue: 1)
    let place = try PerfMap.place(directory: workshop.directory, name: "map", owners: [geteuid()]).get()
    let result = symbolicator.symbolicate([0x1008, 0x3000], in: .anonymous(process, perfMap: place))
    #expect(result.module.path == "[jit]")
    #expect(
      result.frames == [
        [NamedFrame(function: "JS:*fib a.js", address: 0x1008, origin: .jit)],
        [
          NamedFrame(
            function: "[0x3000]", address: 0x3000, origin: .unresolved, module: Module(path: "[anonymous]"))
        ],
      ])
    let without = symbolicator.symbolicate([0x3000], in: .anonymous(process, perfMap: nil))
    #expect(without.module.path == "[anonymous]")
    #expect(without.frames[0][0].function == "[0x3000]")
  }

  private func open(_ name: String, in workshop: Workshop, owner: uid_t = geteuid()) -> PerfMapRefusal? {
    switch PerfMap.place(directory: workshop.directory, name: name, owners: [owner, 0]) {
    case .success(let place): place.file == nil ? .missing : nil
    case .failure(let refusal): refusal
    }
  }

  @Test func `only a regular file of the process's user or root is opened`() throws {
    let workshop = try Workshop()
    try workshop.write("", to: "good.map")
    try workshop.run("ln -s good.map link.map && mkfifo pipe.map && mkdir directory.map")
    #expect(open("good.map", in: workshop) == nil)
    #expect(open("link.map", in: workshop) == .symbolicLink)
    #expect(open("pipe.map", in: workshop) == .notRegular)
    #expect(open("directory.map", in: workshop) == .notRegular)
    #expect(open("none.map", in: workshop) == .missing)
  }

  @Test func `a file that the kernel makes up is refused, whoever owns it`() {
    let result = PerfMap.place(directory: "/proc/self/task/\(getpid())", name: "maps", owners: [geteuid(), 0])
    guard case .failure(.madeUp) = result else {
      Issue.record("\(result)")
      return
    }
  }

  @Test func `a file of another user is refused`() throws {
    try #require(geteuid() == 0, "run as root: files must be given to another user")
    let workshop = try Workshop()
    try workshop.write("", to: "foreign.map")
    try workshop.run("chown 12345 foreign.map")
    #expect(open("foreign.map", in: workshop) == .owner(12_345))
    #expect(open("foreign.map", in: workshop, owner: 12_345) == nil)
  }

  @Test func `a symbolic link in place of the directory is refused`() throws {
    let workshop = try Workshop()
    try workshop.run("mkdir real && ln -s real tmp && touch real/a.map")
    let result = PerfMap.place(directory: workshop.path("tmp"), name: "a.map", owners: [geteuid()])
    guard case .failure(.symbolicLink) = result else {
      Issue.record("the link was followed")
      return
    }
  }

  @Test func `the map of this process is found through its root`() throws {
    let process = ProcessID(rawValue: getpid())
    let path = "/tmp/perf-\(process).map"
    let file = try OpenFile(path, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
    defer { unlink(path) }
    _ = file
    let result = PerfMap.place(process: process, innermostID: process, owners: [geteuid()])
    #expect(try result.get().file != nil)
  }

  @Test func `a map that was written or replaced since is read, the older one where the newer has no name`() throws {
    let workshop = try Workshop()
    let process = ProcessID(rawValue: 1)
    func functions(_ place: PerfMapPlace) -> [String] {
      var symbolicator = Symbolicator()
      return symbolicator.symbolicate([0x1008, 0x2008], in: .anonymous(process, perfMap: place)).frames.map(
        \.[0].function)
    }
    let early = try PerfMap.place(directory: workshop.directory, name: "map", owners: [geteuid()]).get()
    try #require(early.file == nil)
    try workshop.write("1000 10 first\n2000 10 second\n", to: "map")
    let late = try PerfMap.place(directory: workshop.directory, name: "map", owners: [geteuid()]).get()

    #expect(functions(early) == ["first", "second"])
    try workshop.write("1000 10 third\n", to: "new")
    try workshop.run("mv new map")
    #expect(functions(early) == ["third", "[0x2008]"])
    #expect(functions(late) == ["third", "second"])
    try workshop.run("rm map")
    #expect(functions(late) == ["first", "second"])
    try workshop.run("ln -s /etc/passwd map")
    #expect(functions(late) == ["first", "second"])
  }

  @Test func `one sentence says what would name the code of several processes without a map`() throws {
    let workshop = try Workshop()
    var place = try PerfMap.place(directory: workshop.directory, name: "map", owners: [geteuid()]).get()
    place.maker = .java
    var symbolicator = Symbolicator()

    let named = symbolicator.symbolicate(
      (7...9).map { ([0x1000], .anonymous(ProcessID(rawValue: $0), perfMap: place)) })

    let warnings = named.flatMap(\.warnings)
    #expect(warnings.count == 1)
    #expect(warnings.first?.hasPrefix("process 7 and 2 other processes: there is no perf-map") == true)
    #expect(warnings.first?.contains("'jcmd 7 Compiler.perfmap'") == true)
  }

  @Test(arguments: [
    (["/usr/bin/java", "/usr/lib/jvm/lib/server/libjvm.so"], CodeMaker.java), (["/usr/bin/node"], .node),
    (["/usr/lib/libpython3.11.so.1.0", "/x/libcoreclr.so"], .dotnet), (["/usr/bin/php8.2"], .php),
    (["/usr/bin/python3.12"], .python), (["/usr/bin/gcc", "/lib/libc.so.6"], .unknown), ([], .unknown),
  ])
  func `a runtime is known by its files`(paths: [String], expected: CodeMaker) {
    #expect(CodeMaker(paths: paths) == expected)
  }
}
