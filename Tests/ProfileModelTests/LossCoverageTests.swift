import Foundation
import ProfileModel
import Testing

/// Every loss that has a name is provoked by a test: a cause without one does not compile here.
struct LossCoverageTests {
  /// A test by the file and the name that it stands under, and the words in it that are about the cause.
  struct Provocation {
    let file: String
    let test: String
    let words: String

    init(_ file: String, _ test: String, _ words: String) {
      self.file = file
      self.test = test
      self.words = words
    }

    /// The text of the test, from its name to the next one.
    func body() throws -> Substring {
      let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      let text = try String(contentsOf: tests.appending(path: file), encoding: .utf8)
      let start = try #require(text.range(of: "func `\(test)`"), "\(file) has no test '\(test)'")
      let rest = text[start.upperBound...]
      return rest.range(of: "@Test").map { rest[..<$0.lowerBound] } ?? rest
    }
  }

  private static func provocation(_ cause: LossCause) -> Provocation {
    switch cause {
    case .ringBufferFull:
      Provocation(
        "EndToEndTests/AccountTests.swift", "samples that a tiny ring buffer loses are counted and reported",
        cause.rawValue)
    case .recordMalformed:
      Provocation(
        "CaptureTests/LossCountingTests.swift", "records that cannot be decoded are counted", "recordMalformed")
    case .intervalTableFull:
      Provocation(
        "CaptureTests/IntervalAggregatorTests.swift", "the account closes with what was lost and what was left out",
        "intervalTableFull")
    }
  }

  private static let counting = "CaptureTests/LossCountingTests.swift"
  private static let provoked = "EndToEndTests/LossTests.swift"

  private static func provocation(_ cause: DefectCause) -> Provocation {
    switch cause {
    case .stackTooDeep, .stackUnreadable, .stackBroken, .stackUnmapped, .stackUnsupported, .stackCorrupt,
      .stackNotReady, .callerDoubted, .stackCompat:
      Provocation(
        counting, "each way in which a user stack is not whole is counted", "aggregator.account.defects == [cause: 1]")
    case .kernelStackUnreadable, .kernelStackTooDeep:
      Provocation(
        counting, "each way in which a kernel stack is not whole is counted", "aggregator.account.defects == [cause: 1]"
      )
    case .callerGuessed:
      Provocation(
        "RecordingTests/UnnamedFrameTests.swift", "samples with a caller that was guessed are counted once each",
        "callerGuessed")
    case .frameUnresolved:
      Provocation(
        "RecordingTests/UnnamedFrameTests.swift", "samples with a frame that has no name are counted once each",
        "frameUnresolved")
    case .mappingRecordsLost:
      Provocation(
        provoked, "mapping records that the kernel drops while swprof is stopped are counted", cause.rawValue)
    case .targetTableFull:
      Provocation(provoked, "processes that find no place in the table of targets are counted", cause.rawValue)
    case .unwindTableFull:
      Provocation(provoked, "files that find no place for their unwind tables are counted", cause.rawValue)
    case .stackLost:
      Provocation(
        "CaptureTests/IntervalAggregatorTests.swift", "a stack that never came has a mark and is counted", "stackLost")
    case .threadNameLost:
      Provocation(provoked, "threads whose names find no room while swprof is stopped are counted", cause.rawValue)
    case .wakeupMissed, .switchMissed, .threadTableFull:
      Provocation(
        "CaptureTests/IntervalAggregatorTests.swift", "the account closes with what was lost and what was left out",
        "\(cause)")
    case .mappingRecordMalformed:
      Provocation(
        "LinuxSystemTests/SidebandRecordTests.swift",
        "a record that is too short for its kind is malformed, and no other is",
        "Malformed")
    case .cpuCameLate:
      Provocation(provoked, "a CPU that comes online later is sampled from then on", cause.rawValue)
    case .cpuNotSampled:
      Provocation(counting, "what following has missed is in the account, each under its name", "cpuNotSampled")
    case .samplingThrottled: Provocation(provoked, "pauses of sampling are counted", cause.rawValue)
    }
  }

  private static func provocation(_ loss: NetworkLoss) -> Provocation {
    let connections = "EndToEndTests/NetworkConnectionTests.swift"
    let encryption = "EndToEndTests/NetworkEncryptionTests.swift"
    let requests = "EndToEndTests/NetworkRequestTests.swift"
    let stopped = "programs, requests and messages that find no room while swprof is stopped are counted"
    let tables = "paths and peers that find no place in a table are counted"
    let counter = "each counter of the network programs is one loss, but for those that count no loss"
    let unread = "of encrypted connections that are not read, the process and the reason are said"
    return switch loss {
    case .connectionTableFull:
      Provocation(connections, "connections that find no place in the table are reported", loss.rawValue)
    case .connectionRecordLost:
      Provocation(connections, "connections that a tiny ring buffer loses are counted and reported", loss.rawValue)
    case .connectionUnlisted:
      Provocation(
        "CaptureTests/NetworkProfileBuilderTests.swift", "connections that are too many to list are counted",
        "unlistedCount == 1500")
    case .sampleRecordLost, .payloadRecordLost, .execRecordLost: Provocation(provoked, stopped, loss.rawValue)
    case .sampleGroupFull:
      Provocation(
        "CaptureTests/SampleKeeperTests.swift", "requests of more groups than are kept are counted", "groupsFull == 3")
    case .payloadMissing:
      Provocation(
        "CaptureTests/SampleKeeperTests.swift",
        "kept requests whose messages were asked for and are missing are counted", "messagesMissing == 2")
    case .endpointTableFull, .peerTableFull, .callTableFull: Provocation(provoked, tables, loss.rawValue)
    case .targetTableFull:
      Provocation(provoked, "processes that find no place in the table of targets are counted", "\"network\"")
    case .payloadUnreadable:
      Provocation(
        requests, "of a ring that is made during a capture, each call that is not read is counted", loss.rawValue)
    case .pipelineOverflow: Provocation(provoked, "requests behind more than are kept are counted", loss.rawValue)
    case .requestUnpaired:
      Provocation(
        "EndToEndTests/NetworkPairingTests.swift",
        "of a thousand requests on one connection each has its own answer, however that is written", loss.rawValue)
    case .responseUnmatched:
      Provocation(
        requests, "an answer that is read before the end of the call with its request shifts no other", loss.rawValue)
    // No kernel can be made to run out of memory for a thread alone; the parser's tests lose messages.
    case .threadTableFull, .payloadSkipped, .messageLost: Provocation(counting, counter, "\(loss)")
    case .tlsUnbound, .tlsUnread: Provocation(encryption, unread, loss.rawValue)
    case .recordMalformed:
      Provocation("CaptureTests/SampleKeeperTests.swift", "a record that is cut is none", "!isSample")
    }
  }

  @Test(arguments: LossCause.allCases) func `a loss of samples has its test`(cause: LossCause) throws {
    let provocation = Self.provocation(cause)
    #expect(try provocation.body().contains(provocation.words), "\(cause.rawValue): \(provocation.test)")
  }

  @Test(arguments: DefectCause.allCases) func `a defect has its test`(cause: DefectCause) throws {
    let provocation = Self.provocation(cause)
    #expect(try provocation.body().contains(provocation.words), "\(cause.rawValue): \(provocation.test)")
  }

  @Test(arguments: NetworkLoss.allCases) func `a loss of a network capture has its test`(loss: NetworkLoss) throws {
    let provocation = Self.provocation(loss)
    #expect(try provocation.body().contains(provocation.words), "\(loss.rawValue): \(provocation.test)")
  }
}
