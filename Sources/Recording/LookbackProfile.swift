package import Capture
import ProfileModel

/// What ran before a trigger, and by how much the task itself began later.
package struct Lookback: Sendable {
  package let profile: RawProfile
  package let nanoseconds: UInt64

  package init(profile: RawProfile, nanoseconds: UInt64) {
    self.profile = profile
    self.nanoseconds = nanoseconds
  }
}

extension Profile {
  /// This profile with another one before it, which is shorter than the time between both starts.
  ///
  /// No stack of one is a stack of the other: those from before stand on a frame of their own.
  ///
  /// - Parameter offset: by how much this one began later, in ns.
  func preceded(by earlier: Profile, offsetNanoseconds offset: UInt64) -> Profile {
    var joined = earlier
    joined.modules += modules
    joined.frames += frames.map { frame in
      Frame(
        function: frame.function, module: frame.module.map { $0 + earlier.modules.count }, address: frame.address,
        origin: frame.origin, isInlined: frame.isInlined, source: frame.source)
    }
    let firstNode = Int32(earlier.stacks.nodes.count)
    for node in stacks.nodes {
      _ = joined.stacks.append(
        StackTree.Node(
          parent: node.parent < 0 ? -1 : node.parent + firstNode, frame: node.frame + Int32(earlier.frames.count)))
    }
    var places = Dictionary(uniqueKeysWithValues: earlier.threads.enumerated().map { ($1, $0) })
    let threadOf = threads.map { thread -> Int in
      if let known = places[thread] { return known }
      joined.threads.append(thread)
      places[thread] = joined.threads.count - 1
      return joined.threads.count - 1
    }
    let labelsOf = joined.labels.add(labels)
    joined.values += values.map { value in
      Value(
        thread: threadOf[value.thread], stack: value.stack + firstNode, labels: labelsOf[Int(value.labels)],
        weight: value.weight, extremes: value.extremes)
    }
    joined.timeline = Self.joined(
      earlier.timeline, timeline, offset: offset, firstValue: Int32(earlier.values.count))
    return joined
  }

  private static func joined(
    _ earlier: Timeline?, _ later: Timeline?, offset: UInt64, firstValue: Int32
  ) -> Timeline? {
    guard let earlier, let later else { return nil }
    let length = max(earlier.slotNanoseconds, later.slotNanoseconds)
    func slot(_ entry: Timeline.Entry, _ own: UInt64, _ start: UInt64) -> Int32 {
      Int32(clamping: (UInt64(entry.slot) * own + start) / length)
    }
    let entries =
      earlier.entries.map {
        Timeline.Entry(slot: slot($0, earlier.slotNanoseconds, 0), value: $0.value, count: $0.count)
      }
      + later.entries.map {
        Timeline.Entry(
          slot: slot($0, later.slotNanoseconds, offset), value: $0.value + firstValue, count: $0.count)
      }
    // Slots that became longer have several entries for a value: they are put together, and in order.
    return Timeline(slotNanoseconds: length, entries: entries).mapped { $0 }
  }
}
