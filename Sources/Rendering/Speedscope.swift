package import ProfileModel

/// A profile in the file format of speedscope (https://www.speedscope.app/file-format-schema.json): a `sampled` profile
/// for each thread, stacks from root to leaf.
package enum Speedscope {
  private static let schema = "https://www.speedscope.app/file-format-schema.json"

  private struct Key: Hashable {
    let name: String
    let file: String?
    let line: Int?
  }

  /// - Parameter measure: what stacks are weighted by; `count` has no unit, all else is in nanoseconds.
  package static func render(_ profile: Profile, name: String, measure: WeightMeasure) -> String {
    let inTime = measure != .count
    var keys: [Key] = []
    var indices: [Key: Int] = [:]
    let frameIndices = profile.frames.map { frame in
      let key = Key(name: frame.function + frame.annotation, file: frame.source?.file, line: frame.source?.line)
      if let known = indices[key] { return known }
      keys.append(key)
      indices[key] = keys.count - 1
      return keys.count - 1
    }
    var byThread = [[Profile.Value]](repeating: [], count: profile.threads.count)
    for value in profile.values { byThread[value.thread].append(value) }

    var writer = JSONWriter()
    writer.object { writer in
      writer.key("$schema")
      writer.string(schema)
      writer.key("exporter")
      writer.string("swprof")
      writer.key("name")
      writer.string(name)
      writer.key("activeProfileIndex")
      writer.integer(0)
      writer.key("shared")
      writer.object { writer in
        writer.key("frames")
        writer.array { writer in
          for key in keys { write(key, to: &writer) }
        }
      }
      writer.key("profiles")
      writer.array { writer in
        for (thread, values) in zip(profile.threads, byThread) where !values.isEmpty {
          write(thread, values, profile, frameIndices, inTime: inTime, to: &writer)
        }
      }
    }
    return writer.text + "\n"
  }

  private static func write(_ key: Key, to writer: inout JSONWriter) {
    writer.object(isInline: true) { writer in
      writer.key("name")
      writer.string(key.name)
      guard let file = key.file, let line = key.line else { return }
      writer.key("file")
      writer.string(file)
      writer.key("line")
      writer.integer(line)
    }
  }

  private static func write(
    _ thread: ProfiledThread, _ values: [Profile.Value], _ profile: Profile, _ frameIndices: [Int], inTime: Bool,
    to writer: inout JSONWriter
  ) {
    let weights = values.map { inTime ? $0.weight.nanoseconds : $0.weight.count }
    writer.object { writer in
      writer.key("type")
      writer.string("sampled")
      writer.key("name")
      writer.string("\(thread.processName) (\(thread.process)), \(thread.name) (\(thread.thread))")
      writer.key("unit")
      writer.string(inTime ? "nanoseconds" : "none")
      writer.key("startValue")
      writer.integer(0)
      writer.key("endValue")
      writer.integer(weights.reduce(0, &+))
      writer.key("samples")
      writer.array { writer in
        for value in values { writer.integers(profile.stacks.path(to: value.stack).map { frameIndices[$0] }) }
      }
      writer.key("weights")
      writer.integers(weights)
    }
  }
}
