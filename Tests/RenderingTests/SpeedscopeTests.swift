import Foundation
import ProfileModel
import Rendering
import Testing

@Suite struct SpeedscopeTests {
  private struct File: Decodable {
    let shared: Shared
    let profiles: [Profile]

    struct Shared: Decodable {
      let frames: [Frame]
    }

    struct Frame: Decodable {
      let name: String
      let file: String?
      let line: Int?
    }

    struct Profile: Decodable {
      let type: String
      let name: String
      let unit: String
      let endValue: UInt64
      let samples: [[Int]]
      let weights: [UInt64]
    }
  }

  private func file(_ measure: WeightMeasure) throws -> File {
    let text = Speedscope.render(Sample.profile, name: "sample", measure: measure)
    return try JSONDecoder().decode(File.self, from: Data(text.utf8))
  }

  @Test func `each thread is a profile, its weights its own`() throws {
    let file = try file(.count)
    #expect(file.profiles.map(\.name) == ["bench (100), bench (100)", "bench (100), worker (101)"])
    #expect(file.profiles.allSatisfy { $0.type == "sampled" && $0.unit == "none" })
    #expect(file.profiles.map(\.endValue) == [821, 179])
    #expect(file.profiles.allSatisfy { $0.weights.reduce(0, +) == $0.endValue && $0.weights.count == $0.samples.count })
  }

  @Test func `stacks go from the root to the leaf`() throws {
    let file = try file(.count)
    let names = file.profiles[1].samples.map { $0.map { file.shared.frames[$0].name } }
    #expect(names.contains(["_start", "main", "memcpy", "ksys_write_[k]", "copy_from_user_[k]"]))
  }

  @Test func `a frame has its file and line, and equal frames are one`() throws {
    let frames = try file(.count).shared.frames
    let main = try #require(frames.first { $0.name == "main" })
    #expect(main.file == "/src/bench.c")
    #expect(main.line == 42)
    #expect(Set(frames.map(\.name)).count == frames.count)
  }

  @Test func `time is in nanoseconds`() throws {
    let file = try file(.microseconds)
    #expect(file.profiles.allSatisfy { $0.unit == "nanoseconds" })
    #expect(file.profiles[0].endValue == 821 * ProfileBuilder.period)
  }
}
