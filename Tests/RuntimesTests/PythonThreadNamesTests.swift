import Testing

@testable import Runtimes

struct PythonThreadNamesTests {
  private func names(_ python: FakePython) throws -> [UInt64: String] {
    let runtime = try #require(try PythonRuntime.find(in: python.memory, modules: python.modules))
    var names = PythonThreadNames()
    return names.read(of: runtime, in: python.memory, while: { true })
  }

  @Test(arguments: 8...13)
  func `a thread is called what the module threading calls it`(minor: Int) throws {
    #expect(try names(FakePython(minor: minor)) == [FakePython.nativeID: FakePython.threadName])
  }

  @Test(arguments: 8...13)
  func `a name is not taken from a Thread that says that it is another one's`(minor: Int) throws {
    var python = FakePython(minor: minor)
    python.addInteger(python.threadPointers[0], at: FakePython.NamePlace.ownPointer)
    #expect(try names(python) == [:])
  }

  @Test func `a string's length may be said to be anywhere`() throws {
    let python = FakePython(minor: 13)
    for place in [0, 16, 40, 64, 127] {
      var offsets = python.offsets
      offsets.textLength = place
      let objects = PythonObjects(offsets: offsets, memory: python.memory)
      #expect(objects.isText(FakePython.start + 0x7000, "inner") == (place == 16))
    }
  }

  @Test func `when time is up there are no names`() throws {
    let python = FakePython(minor: 13)
    let runtime = try #require(try PythonRuntime.find(in: python.memory, modules: python.modules))
    var names = PythonThreadNames()
    #expect(names.read(of: runtime, in: python.memory, while: { false }) == [:])
  }

  @Test(arguments: 8...13)
  func `a name that is no string is not taken`(minor: Int) throws {
    var python = FakePython(minor: minor)
    python.put(UInt64(0), FakePython.NamePlace.texts + 0x50 * 5 + 8)
    #expect(try names(python) == [:])
  }

  @Test func `a program that has not imported threading has no names`() throws {
    var python = FakePython(minor: 12)
    python.put("threadinG", FakePython.NamePlace.texts + python.offsets.textASCII)
    #expect(try names(python) == [:])
  }
}
