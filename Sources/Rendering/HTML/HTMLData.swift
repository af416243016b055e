import ProfileModel

/// What the script of a page works with, as JSON: stacks by the names that are shown, and what they weigh by thread and
/// time.
struct HTMLData {
  /// Stacks with more frames than this are cut where they are lightest.
  private static let nodeLimit = 60_000
  private static let smallLabel = FrameLabel(
    name: "[smaller frames]", kind: .function(.marker, isInlined: false))

  private let profile: Profile
  private var labels: [FrameLabel] = []
  private var places: [FrameLabel: String] = [:]
  private var parents: [Int32] = []
  private var labelOf: [Int32] = []
  /// By node of the profile's tree.
  private var nodeOf: [Int32] = []

  init(_ profile: Profile) {
    self.profile = profile
    merge()
    if parents.count > Self.nodeLimit { thin() }
  }

  /// Puts frames of one label together.
  private mutating func merge() {
    var numbers: [FrameLabel: Int32] = [:]
    let ofFrame = profile.frames.map { frame -> Int32 in
      let label = FrameLabel(frame, module: profile.moduleName(of: frame))
      if let source = frame.source, places[label] == nil {
        let file = source.file.lastIndex(of: "/").map { source.file[source.file.index(after: $0)...] }
        places[label] = "\(file ?? source.file[...]):\(source.line)"
      }
      if let known = numbers[label] { return known }
      labels.append(label)
      numbers[label] = Int32(labels.count - 1)
      return Int32(labels.count - 1)
    }
    var children: [UInt64: Int32] = [:]
    for node in profile.stacks.nodes {
      let parent = node.parent < 0 ? -1 : nodeOf[Int(node.parent)]
      let label = ofFrame[Int(node.frame)]
      let edge = UInt64(UInt32(bitPattern: parent)) << 32 | UInt64(UInt32(bitPattern: label))
      if let known = children[edge] {
        nodeOf.append(known)
        continue
      }
      parents.append(parent)
      labelOf.append(label)
      children[edge] = Int32(parents.count - 1)
      nodeOf.append(Int32(parents.count - 1))
    }
  }

  /// Keeps the heaviest nodes; what stands above others becomes one frame that says so.
  private mutating func thin() {
    var totals = [UInt64](repeating: 0, count: parents.count)
    for value in profile.values { totals[Int(nodeOf[Int(value.stack)])] += value.weight.count }
    for node in totals.indices.reversed() where parents[node] >= 0 { totals[Int(parents[node])] += totals[node] }
    let least = max(1, totals.sorted(by: >)[Self.nodeLimit])
    labels.append(Self.smallLabel)
    let small = Int32(labels.count - 1)
    var kept: [Int32] = []
    var smallAbove: [Int32: Int32] = [:]
    var (newParents, newLabels): ([Int32], [Int32]) = ([], [])
    func add(_ parent: Int32, _ label: Int32) -> Int32 {
      newParents.append(parent)
      newLabels.append(label)
      return Int32(newParents.count - 1)
    }
    for node in parents.indices {
      let parent = parents[node] < 0 ? -1 : kept[Int(parents[node])]
      if totals[node] > least {
        kept.append(add(parent, labelOf[node]))
      } else if parent >= 0, newLabels[Int(parent)] == small {
        kept.append(parent)
      } else {
        let known = smallAbove[parent] ?? add(parent, small)
        smallAbove[parent] = known
        kept.append(known)
      }
    }
    (parents, labelOf) = (newParents, newLabels)
    nodeOf = nodeOf.map { kept[Int($0)] }
  }

  /// - Parameters:
  ///   - unit: what the counts are, in the plural.
  ///   - hasTimes: whether the weights in ns were measured, and may be shown instead of the counts.
  func json(unit: String, isOffCPU: Bool, hasTimes: Bool, hasThreads: Bool) -> String {
    var writer = JSONWriter()
    writer.object(isInline: true) { writer in
      writer.key("unit")
      writer.string(unit)
      writer.key("has_times")
      writer.bool(hasTimes)
      writer.key("has_threads")
      writer.bool(hasThreads)
      writeColors(isOffCPU: isOffCPU, to: &writer)
      writer.key("labels")
      writer.array { writer in
        for label in labels {
          writer.array { writer in
            writer.string(FlameColor.styleClass(of: label))
            writer.string(DisplayText.visible(label.name))
            writer.string(DisplayText.visible(label.module ?? ""))
            writer.string(DisplayText.visible(places[label] ?? ""))
          }
        }
      }
      writer.key("parent")
      writer.integers(parents)
      writer.key("label")
      writer.integers(labelOf)
      writer.key("threads")
      writer.array { writer in
        for thread in profile.threads { Self.write(thread, to: &writer) }
      }
      writeValues(hasTimes: hasTimes, to: &writer)
      if !profile.labels.isEmpty { writeLabelSets(to: &writer) }
      writeTimeline(to: &writer)
    }
    return writer.text
  }

  private static func write(_ thread: ProfiledThread, to writer: inout JSONWriter) {
    writer.array { writer in
      writer.string(DisplayText.visible(thread.processName))
      writer.integer(thread.process.rawValue)
      writer.string(DisplayText.visible(thread.name))
      writer.integer(thread.thread.rawValue)
    }
  }

  /// The colors of each family of frames, by its name.
  private func writeColors(isOffCPU: Bool, to writer: inout JSONWriter) {
    writer.key("colors")
    writer.object { writer in
      for (name, isDark) in [("light", false), ("dark", true)] {
        writer.key(name)
        writer.object { writer in
          for family in FlameColor.allCases {
            writer.key(family.rawValue)
            writer.array { writer in
              for color in family.colors(isOffCPU ? .offCPU : .onCPU, isDark: isDark) { writer.string(color) }
            }
          }
        }
      }
    }
  }

  private func writeValues(hasTimes: Bool, to writer: inout JSONWriter) {
    writer.key("values")
    writer.object { writer in
      writer.key("thread")
      writer.integers(profile.values.lazy.map(\.thread))
      writer.key("stack")
      writer.integers(profile.values.lazy.map { nodeOf[Int($0.stack)] })
      writer.key("count")
      writer.integers(profile.values.lazy.map(\.weight.count))
      writer.key("time_ns")
      writer.integers(hasTimes ? profile.values.map(\.weight.nanoseconds) : [])
      guard !profile.labels.isEmpty else { return }
      writer.key("labels")
      writer.integers(profile.values.lazy.map(\.labels))
    }
  }

  private func writeTimeline(to writer: inout JSONWriter) {
    writer.key("timeline")
    guard let timeline = profile.timeline, !timeline.entries.isEmpty else { return writer.null() }
    writer.object { writer in
      writer.key("slot_ns")
      writer.integer(timeline.slotNanoseconds)
      writer.key("slot")
      writer.integers(timeline.entries.lazy.map(\.slot))
      writer.key("value")
      writer.integers(timeline.entries.lazy.map(\.value))
      writer.key("count")
      writer.integers(timeline.entries.lazy.map(\.count))
    }
  }

  /// The label sets by number, each as pairs of key and value; the first is the empty one.
  private func writeLabelSets(to writer: inout JSONWriter) {
    writer.key("label_sets")
    writer.array { writer in
      for set in [.empty] + profile.labels.sets {
        writer.array { writer in
          for label in set.labels {
            writer.array { writer in
              writer.string(DisplayText.visible(label.key))
              writer.string(DisplayText.visible(label.value))
            }
          }
        }
      }
    }
  }
}
