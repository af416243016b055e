import Compression
import ProfileModel
import SwiftProtobuf
import Testing

@testable import Pprof

@Suite struct PprofFieldsTests {
  private func message() throws -> [UInt8] {
    var message = Perftools_Profiles_Profile()
    message.stringTable = ["", "inuse_objects", "count", "inuse_space", "bytes", "cpu", "nanoseconds", "NAME", "main"]
    message.sampleType = ([(1, 2), (3, 4), (5, 6)] as [(Int64, Int64)]).map { type, unit in
      .with {
        $0.type = type
        $0.unit = unit
      }
    }
    message.function = [
      .with {
        $0.id = 1
        $0.name = 7
      }
    ]
    message.location = [
      .with {
        $0.id = 1
        $0.line = [.with { $0.functionID = 1 }]
      }
    ]
    message.sample = [
      .with {
        $0.locationID = [1]
        $0.value = [3, 4096, 70]
      }
    ]
    return try message.serializedBytes()
  }

  /// The message with other bytes for a name of equal length.
  private func message(naming name: [UInt8]) throws -> [UInt8] {
    var bytes = try message()
    let start = try #require(bytes.firstRange(of: Array("NAME".utf8))?.lowerBound)
    bytes.replaceSubrange(start..<start + 4, with: name)
    return bytes
  }

  @Test func `a name that is no UTF-8 is repaired`() throws {
    let read = try PprofReader.read(message(naming: [0x66, 0xFF, 0x67, 0xC3]))
    #expect(read.profile.frames.map(\.function) == ["f\u{FFFD}g\u{FFFD}"])
    let compressed = try #require(Gzip.compress(message(naming: [0x66, 0xFF, 0x67, 0xC3])))
    #expect(try PprofReader.read(compressed) == read)
  }

  @Test func `the event chooses the values, and a wrong one is an error with the others`() throws {
    let bytes = try message()
    #expect(try PprofReader.read(bytes, event: "inuse_space").unit == "bytes")
    #expect(try PprofReader.read(bytes, event: "inuse_space").profile.total.count == 4096)
    #expect(try PprofReader.read(bytes, event: "inuse_objects").profile.total.count == 3)
    #expect(throws: PprofError.noSuchType("x", known: ["inuse_objects", "inuse_space", "cpu"])) {
      try PprofReader.read(bytes, event: "x")
    }
  }

  @Test func `a message is told by its fields, whole or its beginning`() throws {
    let bytes = try message()
    #expect(PprofFields.areProfile(bytes, isWhole: true))
    for length in 20..<bytes.count {
      #expect(PprofFields.areProfile(Array(bytes.prefix(length)), isWhole: false), "\(length)")
    }
  }

  @Test(arguments: [
    "", "\n", "\n\nmain;foo 5\n", "\u{12};a 5\n", "main 5\n", "2;f 7\n", "\"a\" 5\n", "*\u{1}a 3\n", "x y 3\n",
    "\u{1F}\u{8B}a 1\n",
    "sh 1/1 1.0: cycles:\n\t12 f\n\n",
  ])
  func `text is no message`(text: String) {
    #expect(!PprofFields.areProfile(Array(text.utf8), isWhole: true))
  }

  @Test func `any change of a message is a profile or an error`() throws {
    var generator = SystemRandomNumberGenerator()
    let bytes = try message()
    for _ in 0..<3000 {
      var changed = bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        changed[changed.indices.randomElement(using: &generator)!] = UInt8.random(in: .min ... .max, using: &generator)
      }
      changed = Array(changed.prefix(Int.random(in: 0...changed.count, using: &generator)))
      _ = PprofFields.areProfile(changed, isWhole: Bool.random(using: &generator))
      _ = try? PprofReader.read(changed)
    }
  }
}
