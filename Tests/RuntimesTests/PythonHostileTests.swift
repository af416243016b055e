import ELF
import Foundation
import SeededRandom
import Testing

@testable import Runtimes

/// Memory that lies. 20,000 mutations run here; `SWPROF_MUTATIONS` sets another number.
struct PythonHostileTests {
  private static let mutations =
    ProcessInfo.processInfo.environment["SWPROF_MUTATIONS"].flatMap(Int.init) ?? 20_000
  /// The threads and frames that an honest process may have need more than any of this.
  private static let maximumRead = 40 << 20

  @Test(arguments: [8, 10, 11, 12, 13])
  func `any memory is read in bounded time, and without a trap`(minor: Int) {
    var random = SplitMix(state: UInt64(minor) << 32 | UInt64(Self.mutations))
    let honest = FakePython(minor: minor)
    var readings = 0
    for _ in 0..<Self.mutations / 5 {
      var python = honest
      python.memory = FakeMemory(start: FakePython.start, content: honest.memory.content)
      for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&python, &random) }
      readings += read(python)
      #expect(python.memory.readBytes < Self.maximumRead)
    }
    // Most words are not looked at: what was not changed is still read.
    #expect(readings > Self.mutations / 50)
  }

  /// Half of the mutations change what is likely to be read: a word that is not 0.
  private func mutate(_ python: inout FakePython, _ random: inout SplitMix) {
    if Int.random(in: 0..<16, using: &random) == 0 {
      python.file[Int.random(in: 0..<python.file.count, using: &random)] = .random(in: 0...255, using: &random)
      return
    }
    let content = python.memory.content
    var place = Int.random(in: 0..<content.count / 8, using: &random) * 8
    if Bool.random(using: &random) {
      place = (place..<content.count).first { content[$0] != 0 } ?? place
      place -= place % 8
    }
    let value: UInt64 =
      switch Int.random(in: 0..<6, using: &random) {
      case 0: .random(in: 0 ... .max, using: &random)
      case 1: FakePython.start + .random(in: 0..<UInt64(FakePython.size) / 8, using: &random) * 8
      case 2: .random(in: 0..<4096, using: &random)
      case 3: .max - .random(in: 0..<4096, using: &random)
      case 4: 1 << UInt64.random(in: 0..<64, using: &random)
      default: content.integer(at: place) ^ (1 << UInt64.random(in: 0..<64, using: &random))
      }
    withUnsafeBytes(of: value) { python.memory.content.replaceSubrange(place..<place + 8, with: $0) }
  }

  /// Reads all that there is; returns how many frames had names.
  private func read(_ python: FakePython) -> Int {
    guard let runtime = try? PythonRuntime.find(in: python.memory, modules: python.modules) else { return 0 }
    var readings = 0
    var threadNames = PythonThreadNames()
    for name in threadNames.read(of: runtime, in: python.memory, while: { true }).values {
      #expect(name.utf8.count <= PythonText.maximumSize)
    }
    for thread in runtime.threads(in: python.memory).prefix(8) {
      for record in PythonStack(state: thread.state, of: runtime, in: python.memory).records {
        let text = PythonFrameText(record, runtime, python.memory)
        #expect(text.name.utf8.count <= PythonText.maximumSize)
        readings += text.line == nil ? 0 : 1
      }
      _ = PythonStack(threadPointer: thread.threadPointer, of: runtime, in: python.memory)
    }
    return readings
  }
}
