import Compression
import ProfileModel
import SwiftProtobuf
import Testing

@testable import Pprof

@Suite struct PprofReaderTests {
  /// A small profile as another program writes it: addresses of a process, no labels, values of four types.
  private func foreign(_ change: (inout Perftools_Profiles_Profile) -> Void = { _ in }) throws -> [UInt8] {
    var message = Perftools_Profiles_Profile()
    message.stringTable = [
      "", "samples", "count", "cpu", "nanoseconds", "/bin/app", "[kernel.kallsyms]", "work", "do_sys_open", "/a.go",
    ]
    message.sampleType = [
      .with {
        $0.type = 1; $0.unit = 2
      },
      .with {
        $0.type = 3; $0.unit = 4
      },
    ]
    message.mapping = [
      .with {
        $0.id = 7; $0.memoryStart = 0x40_0000; $0.memoryLimit = 0x50_0000; $0.fileOffset = 0x1000; $0.filename = 5
      },
      .with {
        $0.id = 9; $0.filename = 6
      },
    ]
    message.function = [
      .with {
        $0.id = 3; $0.name = 7; $0.filename = 9
      },
      .with {
        $0.id = 4; $0.systemName = 8
      },
    ]
    message.location = [
      .with {
        $0.id = 11; $0.mappingID = 7; $0.address = 0x40_0010;
        $0.line = [
          .with {
            $0.functionID = 3; $0.line = 5
          }
        ]
      },
      .with {
        $0.id = 12; $0.mappingID = 9; $0.address = 0xffff_ffff_8100_0000; $0.line = [.with { $0.functionID = 4 }]
      },
      .with {
        $0.id = 13; $0.mappingID = 7; $0.address = 0x40_0abc
      },
    ]
    message.sample = [
      .with {
        $0.locationID = [12, 11]; $0.value = [3, 30]
      },
      .with {
        $0.locationID = [13]; $0.value = [1, 10]
      },
    ]
    change(&message)
    return try message.serializedBytes()
  }

  private func stacks(_ profile: Profile) -> [[Frame]] {
    profile.values.map { profile.stacks.path(to: $0.stack).map { profile.frames[$0] } }
  }

  @Test func `a profile of another program is read, compressed or not`() throws {
    let raw = try foreign()
    let compressed = try #require(Gzip.compress(raw))
    let read = try PprofReader.read(raw)
    #expect(try PprofReader.read(compressed) == read)
    #expect(read.kind == .onCPU)
    #expect(!read.hasThreads)
    let stacks = stacks(read.profile)
    #expect(stacks[0].map(\.function) == ["work", "do_sys_open"])
    #expect(stacks[0].map(\.origin) == [.user, .kernel])
    #expect(stacks[0][0].source == SourceLocation(file: "/a.go", line: 5))
    #expect(stacks[0][0].address == 0x1010)
    #expect(stacks[1].map(\.function) == ["[app+0x1abc]"])
    #expect(stacks[1][0].origin == .unresolved)
    #expect(
      read.profile.values.map(\.weight) == [Weight(count: 3, nanoseconds: 30), Weight(count: 1, nanoseconds: 10)])
  }

  @Test func `members of a gzip file are read as one`() throws {
    let raw = try foreign()
    let parts = try [raw[..<20], raw[20...]].map { try #require(Gzip.compress(Array($0))) }
    #expect(try PprofReader.read(parts[0] + parts[1]) == PprofReader.read(raw))
  }

  @Test func `the type that the file prefers is counted, and others are named`() throws {
    let bytes = try foreign { file in
      file.stringTable += ["inuse_space", "bytes"]
      file.sampleType = [
        .with {
          $0.type = 10; $0.unit = 11
        },
        .with {
          $0.type = 1; $0.unit = 2
        },
      ]
      file.defaultSampleType = 10
    }
    let read = try PprofReader.read(bytes)
    #expect(read.unit == "bytes")
    #expect(read.kind == nil)
    #expect(read.profile.total == Weight(count: 4, nanoseconds: 0))
    #expect(read.warnings == ["values of other types are passed over: samples"])
  }

  @Test func `labels of other programs name threads`() throws {
    let bytes = try foreign { file in
      file.stringTable += ["thread_id", "42", "comm", "app"]
      file.sample[0].label = [
        .with {
          $0.key = 10; $0.str = 11
        },
        .with {
          $0.key = 12; $0.str = 13
        },
      ]
    }
    let read = try PprofReader.read(bytes)
    #expect(read.hasThreads)
    let thread = try #require(read.profile.threads.first)
    #expect(thread.thread == ThreadID(rawValue: 42))
    #expect(thread.processName == "app")
    #expect(read.profile.labels.isEmpty)
  }

  @Test func `labels that are texts are kept, and numbers are passed over`() throws {
    let bytes = try foreign { file in
      file.stringTable += ["request", "GET /cart", "bytes"]
      file.sample[0].label = [
        .with {
          $0.key = 10; $0.str = 11
        },
        .with {
          $0.key = 12; $0.num = 4096
        },
      ]
    }
    let profile = try PprofReader.read(bytes).profile
    #expect(profile.labels.sets == [LabelSet([Label(key: "request", value: "GET /cart")])])
    #expect(profile.values.map(\.labels) == [1, 0])
  }

  @Test func `a sample without a stack counts`() throws {
    let read = try PprofReader.read(try foreign { $0.sample[0].locationID = [] })
    #expect(stacks(read.profile)[0].map(\.function) == ["[no stack]"])
  }

  @Test func `what does not fit together is named`() throws {
    let cases: [(error: PprofError, change: (inout Perftools_Profiles_Profile) -> Void)] = [
      (PprofError.unknown(what: "location 99", place: "sample 1"), { $0.sample[0].locationID = [99] }),
      (.unknown(what: "mapping 8", place: "location 11"), { $0.location[0].mappingID = 8 }),
      (.unknown(what: "function 5", place: "location 11"), { $0.location[0].line[0].functionID = 5 }),
      (.unknown(what: "text 10", place: "function 3"), { $0.function[0].name = 10 }),
      (.unknown(what: "text -1", place: "function 3"), { $0.function[0].filename = -1 }),
      (.unknown(what: "text 77", place: "a label of sample 1"), { $0.sample[0].label = [.with { $0.key = 77 }] }),
      (.ambiguous(what: "location 12"), { $0.location[2].id = 12 }),
      (.ambiguous(what: "function 0"), { $0.function[0].id = 0 }),
      (.wrongValueCount(sample: 2, actual: 1, expected: 2), { $0.sample[1].value = [1] }),
      (.negativeValue(sample: 2), { $0.sample[1].value = [1, -1] }),
      (.valuesTooLarge(sample: 2), { $0.sample[1].value = [1, .max] }),
      (.noSamples, { $0.sample = [] }),
    ]
    for (error, change) in cases {
      let bytes = try foreign(change)
      #expect(throws: error) { try PprofReader.read(bytes) }
    }
  }

  @Test func `what unfolds to too much is refused`() throws {
    let bomb = try #require(Gzip.compress([UInt8](repeating: 0, count: 1 << 20)))
    var limits = PprofReader.Limits()
    limits.sizeBytes = 1 << 19
    #expect(throws: PprofError.tooLarge(limitBytes: 1 << 19)) { try PprofReader.read(bomb, limits: limits) }
    limits = PprofReader.Limits()
    limits.framesPerStack = 100
    let deep = try foreign { $0.sample[0].locationID = [UInt64](repeating: 11, count: 101) }
    #expect(throws: PprofError.stackTooDeep(sample: 1, limit: 100)) { try PprofReader.read(deep, limits: limits) }
    limits.frames = 2
    #expect(throws: PprofError.tooManyFrames(limit: 2)) { try PprofReader.read(try foreign(), limits: limits) }
  }

  @Test func `gzip that is cut short or damaged is refused`() throws {
    let compressed = try #require(Gzip.compress(try foreign()))
    for length in 2..<compressed.count - 1 {
      #expect(throws: PprofError.notDecompressed) { try PprofReader.read(Array(compressed[..<length])) }
    }
    #expect(throws: PprofError.self) { try PprofReader.read([]) }
  }

  @Test func `any bytes are read or refused`() throws {
    var generator = SystemRandomNumberGenerator()
    let whole = try Gzip.decompress(PprofWriter.render(Sample.task, Sample.profile), limitBytes: 1 << 20)
    for _ in 0..<3000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      if Bool.random(using: &generator) { bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator)) }
      readOrRefuse(bytes)
      readOrRefuse(
        (0..<Int.random(in: 0...64, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }
  }

  /// Reads bytes, and walks what was read, as its users do.
  private func readOrRefuse(_ bytes: [UInt8]) {
    guard let read = try? PprofReader.read(bytes) else { return }
    let profile = read.profile
    #expect(profile.values.allSatisfy { !profile.stacks.path(to: $0.stack).isEmpty })
    #expect(
      profile.frames.allSatisfy { frame in !frame.function.isEmpty && (frame.module ?? 0) <= profile.modules.count })
  }

  /// A profile of two stacks, of some types of values.
  private func typed(
    _ types: [(String, String)], period: Int64, _ unit: String, _ values: [[Int64]]
  ) throws -> ImportedProfile {
    var message = Perftools_Profiles_Profile()
    message.stringTable = ["", "f", "g", unit, "cpu"] + types.flatMap { [$0.0, $0.1] }
    message.sampleType = types.indices.map { index in
      .with {
        $0.type = Int64(5 + 2 * index); $0.unit = Int64(6 + 2 * index)
      }
    }
    message.function = [UInt64(1), 2].map { id in
      .with {
        $0.id = id; $0.name = Int64(id)
      }
    }
    message.location = [UInt64(1), 2].map { id in
      .with {
        $0.id = id; $0.line = [.with { $0.functionID = id }]
      }
    }
    message.sample = values.enumerated().map { index, values in
      .with {
        $0.locationID = [UInt64(index + 1)]; $0.value = values
      }
    }
    message.period = period
    message.periodType = .with {
      $0.type = 4; $0.unit = 3
    }
    return try PprofReader.read(try message.serializedBytes())
  }

  @Test func `times and bytes are so many samples as they have periods`() throws {
    let time = try typed([("cpu", "nanoseconds")], period: 10_000_000, "nanoseconds", [[2_000_000_000], [30_000_000]])
    #expect(time.counting == .periods(10_000_000))
    #expect(time.frequencyHertz == 100)
    let milliseconds = try typed([("cpu", "milliseconds")], period: 10_000_000, "nanoseconds", [[2000], [30]])
    #expect(milliseconds.counting == .periods(10))
    let heap = try typed(
      [("inuse_objects", "count"), ("inuse_space", "bytes")], period: 4096, "bytes", [[90, 9000], [40, 80_000]])
    #expect(heap.counting == .periods(4096))
  }

  @Test func `numbers of samples are counts, whatever stands beside them`() throws {
    let both = try typed(
      [("samples", "count"), ("cpu", "nanoseconds")], period: 10_000_000, "nanoseconds",
      [[2_000_000, 20_000_000_000_000], [3_000_000, 30_000_000_000_000]])
    #expect(both.counting == .samples)
  }

  @Test(arguments: [
    // Objects of 1 MB, of which each was sampled for itself.
    (
      [("inuse_objects", "count"), ("inuse_space", "bytes")], Int64(4096), "bytes",
      [[Int64(2), 2_000_000], [3, 3_000_000]]
    ),
    ([("contentions", "count"), ("delay", "nanoseconds")], 1, "count", [[200, 20_123], [300, 31_777]]),
    ([("cpu", "nanoseconds")], 0, "nanoseconds", [[20_123], [31_777]]),
    ([("cpu", "nanoseconds")], 10_000_000, "nanoseconds", [[20_123_456], [31_777_111]]),
    // What perf_to_profile calls a count is a sum of periods.
    (
      [("cycles_sample", "count"), ("cycles_event", "count")], 0, "count",
      [[200, 2_000_300_011], [300, 3_100_000_007]]
    ),
  ])
  func `other weights are not known to be numbers of samples`(
    types: [(String, String)], period: Int64, unit: String, values: [[Int64]]
  ) throws {
    let imported = try typed(types, period: period, unit, values)
    guard case .unknown = imported.counting else {
      Issue.record("\(imported.counting)")
      return
    }
  }

  // MARK: - What unfolds to more than it is

  @Test(arguments: [1, 2, 3, 4, 5, 6])
  func `empty parts are counted before they are made`(field: UInt8) throws {
    let start = try foreign()
    let bomb = start + (0..<200_000).flatMap { _ in [field << 3 | 2, 0] }

    #expect(throws: PprofError.tooManyParts(limit: 1 << 16 + bomb.count / 4)) { try PprofReader.read(bomb) }
  }

  @Test(arguments: [(2, 3), (4, 4)])
  func `empty parts within others are counted too`(field: UInt8, inner: UInt8) throws {
    let start = try foreign()
    let size = 400_000
    let length = [UInt8(size & 0x7F | 0x80), UInt8(size >> 7 & 0x7F | 0x80), UInt8(size >> 14)]
    let bomb = start + [field << 3 | 2] + length + (0..<size / 2).flatMap { _ in [inner << 3 | 2, 0] }

    #expect(throws: PprofError.tooManyParts(limit: 1 << 16 + bomb.count / 4)) { try PprofReader.read(bomb) }
  }

  @Test func `numbers are counted, packed or not`() throws {
    var limits = PprofReader.Limits()
    limits.numbers = 1000
    let packed = try foreign() + [0x12, 0xED, 7, 0x0A, 0xEA, 7] + [UInt8](repeating: 1, count: 1002)
    let single = try foreign() + (0..<334).flatMap { _ in [0x12, 6, 8, 1, 8, 1, 8, 1] as [UInt8] }
    let comments = try foreign() + (0..<1001).flatMap { _ in [0x68, 0] as [UInt8] }

    for bomb in [packed, single, comments] {
      #expect(throws: PprofError.tooManyNumbers(limit: 1000)) { try PprofReader.read(bomb, limits: limits) }
    }
  }

  @Test func `what cannot be counted is not decoded`() throws {
    // A group, which the format has not.
    let group = try foreign() + [0x7B, 0x7C]

    #expect(throws: PprofError.notDecoded) { try PprofReader.read(group) }
  }

  @Test func `frames are bounded by the size of the file`() throws {
    // A thousand frames in one location, four thousand times: 20 kB would make four million frames.
    let bomb = try foreign { message in
      message.location.append(
        .with {
          $0.id = 99
          $0.line = (1...1000).map { line in
            .with {
              $0.functionID = 3
              $0.line = Int64(line)
            }
          }
        })
      message.sample += (0..<4000).map { _ in
        .with {
          $0.locationID = [99]
          $0.value = [1, 1]
        }
      }
    }

    #expect(throws: PprofError.tooManyFrames(limit: 1 << 20 + bomb.count * 4)) { try PprofReader.read(bomb) }
  }
}
