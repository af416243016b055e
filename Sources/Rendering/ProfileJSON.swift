package import ProfileModel

/// A profile with its task as one JSON object, complete and in a stable order.
///
/// Stacks are a prefix tree in two arrays: node `i` has the frame `stacks.frame[i]` and the caller `stacks.parent[i]`,
/// which is less than `i`, or -1 at the root. Values are four arrays of one length. A profile with labels has a fifth,
/// `values.labels`: indices into `label_sets`, or -1 for none. With samples of Python threads, `gil` has their sums by how
/// they stood to the global interpreter lock: samples, or nanoseconds of waits.
package enum ProfileJSON {
  /// Raised when a reader of the older form would misread the newer one; new keys do not raise it.
  private static let version = 1

  /// - Parameters:
  ///   - task: null in the document where a profile came from a file.
  ///   - amount: what stands in the place of nanoseconds; nil for time.
  package static func render(_ task: ProfilingTask?, _ profile: Profile, amount: ImportedAmount? = nil) -> String {
    var writer = JSONWriter()
    writer.object { writer in
      writer.key("schema")
      writer.string("swprof.profile")
      writer.key("version")
      writer.integer(version)
      writer.key("task")
      if let task { TaskJSON.write(task, to: &writer) } else { writer.null() }
      writer.key("modules")
      writer.array { writer in
        for module in profile.modules { write(module, to: &writer) }
      }
      writer.key("frames")
      writer.array { writer in
        for frame in profile.frames { write(frame, to: &writer) }
      }
      writer.key("threads")
      writer.array { writer in
        for thread in profile.threads { write(thread, to: &writer) }
      }
      if !profile.labels.isEmpty { write(profile.labels, to: &writer) }
      if let shares = GILShares(profile, measure: task?.kind == .offCPU ? .nanoseconds : .count) {
        write(shares, to: &writer)
      }
      writeStacks(of: profile, amount: amount.flatMap { $0.isTime ? nil : $0 }, to: &writer)
    }
    return writer.text + "\n"
  }

  private static func write(_ module: Module, to writer: inout JSONWriter) {
    writer.object(isInline: true) { writer in
      writer.key("path")
      writer.string(module.path)
      writer.key("build_id")
      writer.string(module.buildID)
    }
  }

  private static func write(_ frame: Frame, to writer: inout JSONWriter) {
    writer.object(isInline: true) { writer in
      writer.key("function")
      writer.string(frame.function)
      writer.key("module")
      if let module = frame.module { writer.integer(module) } else { writer.null() }
      // As text: kernel addresses do not fit the 53 bits that many readers have for a number.
      writer.key("address")
      writer.string("0x" + String(frame.address, radix: 16))
      writer.key("origin")
      writer.string(name(of: frame.origin))
      if let language = frame.origin.language {
        writer.key("language")
        writer.string(language.name)
      }
      writer.key("is_inlined")
      writer.bool(frame.isInlined)
      writer.key("source_file")
      writer.string(frame.source?.file)
      writer.key("source_line")
      if let source = frame.source { writer.integer(source.line) } else { writer.null() }
    }
  }

  private static func write(_ thread: ProfiledThread, to writer: inout JSONWriter) {
    writer.object(isInline: true) { writer in
      writer.key("pid")
      writer.integer(thread.process.rawValue)
      writer.key("tid")
      writer.integer(thread.thread.rawValue)
      writer.key("process_name")
      writer.string(thread.processName)
      writer.key("thread_name")
      writer.string(thread.name)
    }
  }

  private static func write(_ labels: LabelTable, to writer: inout JSONWriter) {
    writer.key("label_sets")
    writer.array { writer in
      for set in labels.sets {
        writer.array { writer in
          for label in set.labels {
            writer.object(isInline: true) { writer in
              writer.key("key")
              writer.string(label.key)
              writer.key("value")
              writer.string(label.value)
            }
          }
        }
      }
    }
  }

  private static func write(_ shares: GILShares, to writer: inout JSONWriter) {
    writer.key("gil")
    writer.object(isInline: true) { writer in
      writer.key("held")
      writer.integer(shares.held)
      writer.key("waiting")
      writer.integer(shares.waiting)
      writer.key("none")
      writer.integer(shares.without)
    }
  }

  private static func writeStacks(of profile: Profile, amount: ImportedAmount?, to writer: inout JSONWriter) {
    writer.key("stacks")
    writer.object { writer in
      writer.key("parent")
      writer.integers(profile.stacks.nodes.lazy.map(\.parent))
      writer.key("frame")
      writer.integers(profile.stacks.nodes.lazy.map(\.frame))
    }
    writer.key("values")
    writer.object { writer in
      writer.key("thread")
      writer.integers(profile.values.lazy.map(\.thread))
      writer.key("stack")
      writer.integers(profile.values.lazy.map(\.stack))
      writer.key("count")
      writer.integers(profile.values.lazy.map(\.weight.count))
      if !profile.labels.isEmpty {
        writer.key("labels")
        writer.integers(profile.values.lazy.map { $0.labels - 1 })
      }
      writer.key("time_ns")
      writer.integers(profile.values.lazy.map { amount == nil ? $0.weight.nanoseconds : 0 })
      if let amount {
        writer.key("amount_of")
        writer.string(amount.plural)
        writer.key("amount")
        writer.integers(profile.values.lazy.map(\.weight.nanoseconds))
      }
      let extremes = profile.values.compactMap(\.extremes)
      guard extremes.count == profile.values.count, !extremes.isEmpty else { return }
      writer.key("shortest_ns")
      writer.integers(extremes.lazy.map(\.lowerBound))
      writer.key("longest_ns")
      writer.integers(extremes.lazy.map(\.upperBound))
    }
  }

  private static func name(of origin: FrameOrigin) -> String {
    switch origin {
    case .user: "user"
    case .kernel: "kernel"
    case .jit: "jit"
    case .unresolved: "unresolved"
    case .marker: "marker"
    case .interpreted: "interpreted"
    case .interpreterNative: "interpreter_native"
    }
  }
}
