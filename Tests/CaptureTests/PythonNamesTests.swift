import LinuxSystem
import ProfileModel
import Testing

@testable import Capture
@testable import Runtimes

/// When the names of Python functions are read, and which process has them.
struct PythonNamesTests {
  private static let process = ProcessID(rawValue: 1)
  private static let child = ProcessID(rawValue: 2)

  private func frame(
    _ code: UInt64, unit: UInt32 = 0, cookie: UInt32 = 7, process: ProcessID = process, start: UInt64 = 100
  ) -> RuntimeFrame {
    RuntimeFrame(
      runtime: .python, process: process, programStart: start, object: code,
      position: UInt64(cookie) << 32 | UInt64(unit))
  }

  /// Lines 10 and 11, a unit each.
  private func code(_ name: String) -> PythonCode {
    PythonCode(
      qualifiedName: "Shop.\(name)", name: name, fileName: "/srv/app.py", firstLine: 10,
      lines: PythonLineTable([2, 0, 2, 1], format: .ranges, firstLine: 10))
  }

  /// Reads all that waits; code objects are named by their addresses.
  private func readAll(_ names: inout PythonNames) -> [UInt64] {
    var asked: [UInt64] = []
    names.read(while: { true }) { _, _, address, _ in
      asked.append(address)
      return .code(code("f\(address)"))
    }
    return asked
  }

  private func function(_ name: String, line: Int?) -> RuntimeName {
    .function(name: "Shop.\(name)", file: "/srv/app.py", line: line)
  }

  @Test func `a function is read once, whatever runs in it, and each position has its line`() {
    var names = PythonNames()
    for unit in [UInt32(0), 1, 0, 9] { names.note(frame(0x1000, unit: unit)) }
    names.note(frame(0x2000))
    #expect(names.name(of: frame(0x1000)) == nil)

    #expect(readAll(&names) == [0x1000, 0x2000])
    names.note(frame(0x1000))
    #expect(readAll(&names) == [])
    #expect(names.name(of: frame(0x1000, unit: 0)) == function("f4096", line: 10))
    #expect(names.name(of: frame(0x1000, unit: 1)) == function("f4096", line: 11))
    #expect(names.name(of: frame(0x2000)) == function("f8192", line: 10))
  }

  @Test func `another object at the same address, and another program of the process, are asked for anew`() {
    var names = PythonNames()
    names.note(frame(0x1000))
    _ = readAll(&names)
    names.note(frame(0x1000, cookie: 8))
    names.note(frame(0x1000, start: 200))
    #expect(readAll(&names) == [0x1000, 0x1000])
  }

  @Test func `what is gone has no name, and is not asked for again`() {
    var names = PythonNames()
    names.note(frame(0x1000))
    names.read(while: { true }) { _, _, _, _ in .gone }
    names.note(frame(0x1000))
    #expect(!names.hasWork)
    #expect(names.name(of: frame(0x1000)) == .gone)
  }

  @Test func `what cannot be read is tried again, three times`() {
    var names = PythonNames()
    for attempt in 1...5 {
      names.note(frame(0x1000))
      #expect(names.hasWork == (attempt <= 3))
      names.read(while: { true }) { _, _, _, _ in .unreadable }
    }
    #expect(names.name(of: frame(0x1000)) == nil)
  }

  @Test func `a process that has ended keeps what was read`() {
    var names = PythonNames()
    names.note(frame(0x1000))
    _ = readAll(&names)
    names.note(frame(0x2000))
    names.read(while: { true }) { _, _, _, _ in nil }
    #expect(names.name(of: frame(0x1000)) == function("f4096", line: 10))
    #expect(names.name(of: frame(0x2000)) == nil)
  }

  @Test func `what was copied when it ran has its name, and is not read again`() {
    var names = PythonNames()
    names.note(frame(0x1000))
    names.learn(code("copied"), of: Self.process, start: 100, at: 0x1000, cookie: 7)
    #expect(names.name(of: frame(0x1000)) == function("copied", line: 10))
    #expect(readAll(&names) == [])
    names.note(frame(0x1000))
    #expect(!names.hasWork && names.count == 1)
    #expect(names.name(of: frame(0x1000, cookie: 8)) == nil)
    #expect(names.name(of: frame(0x1000, start: 200)) == nil)
  }

  @Test func `lines that were not copied are read while the process lives, and what was copied stays`() {
    let copied = PythonCode(qualifiedName: "f", name: "f", fileName: "/srv/app.py", firstLine: 10, lines: nil)
    var names = PythonNames()
    for address: UInt64 in [0x1000, 0x2000, 0x3000] {
      names.learn(copied, of: Self.process, start: 100, at: address, cookie: 7)
      names.note(frame(address))
    }
    names.read(while: { true }) { _, _, address, _ in
      address == 0x1000 ? .code(code("f")) : address == 0x2000 ? .gone : nil
    }
    #expect(names.name(of: frame(0x1000)) == function("f", line: 10))
    let unread = RuntimeName.function(name: "f", file: "/srv/app.py", line: nil)
    #expect(names.name(of: frame(0x2000)) == unread && names.name(of: frame(0x3000)) == unread)
    names.note(frame(0x2000))
    #expect(!names.hasWork)
    names.note(frame(0x3000))
    #expect(names.hasWork && names.count == 4)
  }

  @Test func `copies take no more memory than the limit`() {
    var names = PythonNames(limit: 16)
    for address in UInt64(1)...100 {
      names.learn(code("f"), of: ProcessID(rawValue: .max), start: 1, at: address << 12, cookie: 7)
      #expect(names.count <= 16)
    }
  }

  @Test func `a child has the names from before its fork alone`() {
    var names = PythonNames()
    names.note(frame(0x1000))
    _ = readAll(&names)
    names.inherit(Self.child, start: 150, from: Self.process, start: 100)
    names.note(frame(0x2000))
    _ = readAll(&names)

    names.note(frame(0x1000, process: Self.child, start: 150))
    #expect(!names.hasWork)
    #expect(names.name(of: frame(0x1000, process: Self.child, start: 150)) == function("f4096", line: 10))
    names.note(frame(0x2000, process: Self.child, start: 150))
    #expect(readAll(&names) == [0x2000])
  }

  @Test func `when time is up, the rest waits`() {
    var names = PythonNames()
    for address in 1...5 { names.note(frame(UInt64(address) << 12)) }
    var left = 2
    names.read(
      while: {
        left -= 1
        return left >= 0
      }, { _, _, address, _ in .code(code("f\(address)")) })
    #expect(names.hasWork)
    #expect(readAll(&names) == [0x3000, 0x4000, 0x5000])
  }

  @Test func `names and lines take no more memory than the limit`() {
    var names = PythonNames(byteLimit: 2000)
    for address in UInt64(1)...100 {
      names.note(frame(address << 12, process: ProcessID(rawValue: .max)))
      _ = readAll(&names)
      // Each takes 128 bytes and its names.
      #expect(names.count <= 2000 / 128)
    }
  }

  @Test func `what waits is not more than the limit either`() {
    var names = PythonNames(limit: 16)
    for address in UInt64(1)...100 { names.note(frame(address << 12)) }
    #expect(readAll(&names).count == 16)
  }

  @Test func `there are never more than the limit`() {
    var names = PythonNames(limit: 16)
    for address in UInt64(1)...100 {
      names.note(frame(address << 12, process: ProcessID(rawValue: .max)))
      _ = readAll(&names)
      #expect(names.count <= 16)
    }
    #expect(names.name(of: frame(100 << 12, process: ProcessID(rawValue: .max))) == function("f409600", line: 10))
  }

  @Test(arguments: [
    (0, nil), (1, "1 Python process has native frames alone: only 8192 can be read at a time"),
    (12, "12 Python processes have native frames alone: only 8192 can be read at a time"),
  ])
  func `processes that the kernel side has no room for are counted`(count: Int, warning: String?) {
    #expect(PythonPublisher.warning(ofProcessesWithoutRoom: count) == warning)
  }
}
