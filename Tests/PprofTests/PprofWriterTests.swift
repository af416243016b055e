import Compression
import Foundation
import ProfileModel
import SwiftProtobuf
import Testing

@testable import Pprof

@Suite struct PprofWriterTests {
  private func message(_ bytes: [UInt8]) throws -> Perftools_Profiles_Profile {
    try Perftools_Profiles_Profile(serializedBytes: Gzip.decompress(bytes, limitBytes: 1 << 20))
  }

  @Test func `what was written is read back whole`() throws {
    let read = try PprofReader.read(PprofWriter.render(Sample.task, Sample.profile))
    #expect(read.kind == .onCPU)
    #expect(read.unit == "samples")
    #expect(read.hasThreads)
    #expect(read.warnings.isEmpty)
    #expect(PlainStack.all(of: read.profile) == PlainStack.all(of: Sample.profile))
  }

  @Test func `random profiles are read back whole`() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let profile = Sample.randomProfile(using: &generator)
      let read = try PprofReader.read(PprofWriter.render(Sample.task, profile))
      #expect(PlainStack.all(of: read.profile) == PlainStack.all(of: profile))
    }
  }

  @Test func `equal profiles give equal bytes, without a time in the header of gzip`() {
    let bytes = PprofWriter.render(Sample.task, Sample.profile)
    #expect(bytes == PprofWriter.render(Sample.task, Sample.profile))
    #expect(Array(bytes[..<8]) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0])
  }

  @Test func `a location has its inlined functions, innermost first`() throws {
    let message = try message(PprofWriter.render(Sample.task, Sample.profile))
    let functions = Dictionary(uniqueKeysWithValues: message.function.map { ($0.id, $0) })
    let names = message.location.map { location in
      location.line.map { message.stringTable[Int(functions[$0.functionID]?.name ?? 0)] }
    }
    #expect(names.contains(["multiply", "square", "compute(std::vector<int, std::allocator<int>> const&)"]))
    #expect(names.contains(["compute(std::vector<int, std::allocator<int>> const&)"]))
    let sample = try #require(message.sample.first)
    // The leaf, main, _start.
    #expect(sample.locationID.count == 3)
    #expect(message.stringTable.first == "")
  }

  @Test func `the program is the first mapping, and mappings have build ids`() throws {
    let message = try message(PprofWriter.render(Sample.task, Sample.profile))
    let first = try #require(message.mapping.first)
    #expect(message.stringTable[Int(first.filename)] == "/opt/bench/bin/bench")
    #expect(message.stringTable[Int(first.buildID)] == "0123456789abcdef0123456789abcdef01234567")
    #expect(first.hasInlineFrames_p && first.hasLineNumbers_p && first.hasFilenames_p && first.hasFunctions_p)
    #expect(message.mapping.dropFirst().allSatisfy { !$0.hasInlineFrames_p })
    // A mark is no code: it lies in no mapping.
    #expect(message.location.count { $0.mappingID == 0 } == 1)
  }

  @Test func `a sample has one label of each key`() throws {
    let message = try message(PprofWriter.render([Sample.profile, Sample.profile], PprofDescription(Sample.task)))
    for sample in message.sample {
      let keys = sample.label.map { message.stringTable[Int($0.key)] }
      #expect(keys.sorted() == ["comm", "pid", "run", "thread", "tid"])
    }
  }

  @Test func `runs are read back one by one`() throws {
    let read = try PprofReader.read(
      PprofWriter.render([Sample.profile, Profile(), Sample.profile], PprofDescription(Sample.task)))
    #expect(read.runs.count == 2)
    #expect(read.runs.allSatisfy { $0.total == Sample.profile.total })
    #expect(read.profile.total.count == 2 * Sample.profile.total.count)
  }

  @Test func `code of the kernel and of compilers is known as such without a module`() throws {
    var builder = ProfileBuilder()
    builder.add(
      [Frame(function: "f"), Frame(function: "g", origin: .jit), Frame(function: "h", origin: .kernel)], count: 1)
    let read = try PprofReader.read(PprofWriter.render(Sample.task, builder.profile))
    #expect(read.profile.frames.map(\.origin).sorted { $0.code < $1.code } == [.user, .kernel, .jit])
  }

  @Test func `interpreted functions and interpreters keep their languages, files and modules`() throws {
    var builder = ProfileBuilder()
    let jar = builder.module("/opt/app [1].jar", buildID: "ab")
    let source = SourceLocation(file: "/srv/app.py", line: 7)
    let frames = [
      Frame(function: "main"), Frame(function: "serve", origin: .interpreted(.python), source: source),
      Frame(function: "shop.Cart::total", module: jar, origin: .interpreted(.java)),
      Frame(function: "car", origin: .interpreted(try #require(Language("emacs-lisp")))),
      Frame(function: "method_vectorcall", module: jar, address: 0x40, origin: .interpreterNative(.python)),
    ]
    builder.add(frames, count: 3)
    let read = try PprofReader.read(PprofWriter.render(Sample.task, builder.profile))
    #expect(PlainStack.all(of: read.profile) == PlainStack.all(of: builder.profile))
  }

  @Test func `waits are shown by their time`() throws {
    let bytes = PprofWriter.render(Sample.waitTask, Sample.profile)
    let message = try message(bytes)
    #expect(message.sampleType.map { message.stringTable[Int($0.type)] } == ["switches", "off_cpu"])
    #expect(message.stringTable[Int(message.defaultSampleType)] == "off_cpu")
    let read = try PprofReader.read(bytes)
    #expect(read.kind == .offCPU)
    #expect(read.unit == "waits")
    #expect(read.profile.total == Sample.profile.total)
  }

  @Test func `numbers beyond those of the format become its largest`() throws {
    var builder = ProfileBuilder()
    builder.add([Frame(function: "f")], count: 1)
    var profile = builder.profile
    profile.values = [.init(thread: 0, stack: 0, weight: Weight(count: 7, nanoseconds: .max))]
    let message = try message(PprofWriter.render(Sample.task, profile))
    #expect(message.sample.map(\.value) == [[7, .max]])
  }

  @Test func `losses, host and target are told to people`() throws {
    let message = try message(PprofWriter.render(Sample.task, Sample.profile))
    let comments = message.comment.map { message.stringTable[Int($0)] }
    #expect(comments.contains("swprof oncpu: pid 100 (bench)"))
    #expect(comments.contains("1000 samples taken, 8 lost"))
    #expect(comments.contains("recorded by swprof 0.1.0 (0123456789)"))
    #expect(comments.contains("lost: 8 ring buffer full"))
    #expect(message.period == 10_000_000)
    #expect(message.timeNanos == 1_795_408_831_250_000_000)
    #expect(message.durationNanos == 10_001_000_000)
  }

  @Test func `a profile without samples is written`() throws {
    let bytes = PprofWriter.render(Sample.task, Profile())
    #expect(try message(bytes).sample.isEmpty)
    #expect(throws: PprofError.noSamples) { try PprofReader.read(bytes) }
  }
}
