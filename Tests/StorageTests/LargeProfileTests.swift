import Foundation
import ProfileModel
import Storage
import Testing

@Suite struct LargeProfileTests {
  /// 50,000 stacks of 63 frames in the mean, which share so much with each other that the tree has 1.3 million nodes:
  /// what a busy server shows in an hour. The same in every run.
  static let profile: Profile = {
    var state: UInt64 = 7
    func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    var profile = Profile(
      modules: [Module(path: "/usr/bin/server", buildID: "0123456789abcdef")],
      frames: (0..<8000).map { Frame(function: "function_with_number_\($0)", module: 0, address: UInt64($0) * 64) },
      threads: (1...16).map { Sample.thread($0, "worker \($0)") })
    var stacks = StackTreeBuilder()
    var known: [[Int]] = [[0]]
    for _ in 0..<50_000 {
      // What a stack shares with an older one, and what it has of its own.
      var path = known[next(known.count)]
      path = Array(path.prefix(1 + next(path.count)))
      let depth = 20 + next(87)
      while path.count < depth { path.append((path[path.count - 1] * 31 + next(4) + 1) % 8000) }
      known.append(path)
      guard let stack = stacks.insert(path) else { continue }
      let count = UInt64(1 + next(30) * next(30) / 10)
      profile.values.append(
        Profile.Value(
          thread: next(16), stack: stack, weight: Weight(count: count, nanoseconds: count * 10_101_010)))
    }
    profile.stacks = stacks.tree
    var places: Set<[Int]> = []
    profile.values = profile.values.filter { places.insert([$0.thread, Int($0.stack)]).inserted }
    profile.values.sort { ($0.thread, $0.stack) < ($1.thread, $1.stack) }
    return profile
  }()

  /// `SWPROF_KEEP_DATABASE` names a file to leave the database in, for a look at how long it takes to load.
  @Test func `a task of 50,000 stacks takes at most 7 MB and comes back`() throws {
    let directory = try TemporaryDirectory()
    let path = ProcessInfo.processInfo.environment["SWPROF_KEEP_DATABASE"] ?? directory.database
    let profile = Self.profile
    #expect(profile.values.count > 49_000 && profile.stacks.nodes.count > 1_000_000, "\(profile.stacks.nodes.count)")
    var store: TaskStore? = try TaskStore.open(path: path)
    let id = try #require(try store?.add(profile: profile))

    #expect(try store?.profile(of: id) == profile)
    // Closing it writes the log into the file.
    store = nil
    let size = try #require(FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    #expect(size <= 7_000_000, "\(size)")
  }
}
