package import ProfileModel

/// Something that a watch has done: a line for a person, or for a program.
package struct WatchEvent {
  package enum Kind: String {
    case ready
    case started
    case failed
    /// A rule holds, and a limit keeps the task from being started.
    case heldBack = "held_back"
    case ended
    case reloaded
    /// A policy file that is wrong was not put in place.
    case refused
    case trouble
    case stopped
  }

  package var kind: Kind
  package var time: WallTime
  package var sentence: String
  package var policy: String?
  package var process: ProcessID?
  package var processName: String?
  package var task: TaskID?
  package var taskKind: TaskKind?
  package var trigger: Trigger?

  package init(_ kind: Kind, _ sentence: String, time: WallTime) {
    self.kind = kind
    self.sentence = sentence
    self.time = time
  }

  /// One line.
  package var text: String { "\(TimeText.utc(time))  \(DisplayText.visible(sentence))\n" }

  /// One line, a JSON object.
  package var json: String {
    var writer = JSONWriter()
    writer.document(schema: "swprof.watch_event", version: 1, isInline: true) { writer in
      writer.key("event")
      writer.string(kind.rawValue)
      writer.key("time_unix_ns")
      writer.integer(time.nanoseconds)
      writer.key("message")
      writer.string(sentence)
      writer.key("policy")
      writer.string(policy)
      writer.key("pid")
      if let process { writer.integer(process.rawValue) } else { writer.null() }
      writer.key("process_name")
      writer.string(processName)
      writer.key("task")
      if let task, task.rawValue != 0 { writer.integer(task.rawValue) } else { writer.null() }
      writer.key("kind")
      writer.string(taskKind?.rawValue)
      if let trigger { Self.write(trigger, to: &writer) }
    }
    return writer.text + "\n"
  }

  private static func write(_ trigger: Trigger, to writer: inout JSONWriter) {
    writer.key("metric")
    writer.string(trigger.metric)
    writer.key("unit")
    writer.string(trigger.unit)
    writer.key("threshold")
    writer.decimal(trigger.threshold, digits: 3)
    writer.key("below")
    writer.bool(trigger.isBelow == true)
    writer.key("period_s")
    writer.integer(trigger.periodSeconds)
    writer.key("count")
    writer.integer(trigger.count)
    writer.key("values")
    writer.array { writer in
      for value in trigger.values {
        if let value { writer.decimal(value, digits: 3) } else { writer.null() }
      }
    }
  }

  /// Why a task is started, in a sentence: `process_cpu of burn (4711) at 80 % or above in 3 of 5 s`.
  package static func reason(_ trigger: Trigger) -> String {
    let unit = trigger.unit.isEmpty ? "" : " \(trigger.unit)"
    let side = trigger.isBelow == true ? "below" : "above"
    let requests = trigger.uri.map { " (\($0))" } ?? ""
    return "\(trigger.metric)\(requests) of \(trigger.processName) (\(trigger.process)) at"
      + " \(NumberText.decimal(trigger.threshold, digits: 1) ?? "?")\(unit) or \(side)"
      + " in \(trigger.fired.count { $0 }) of \(trigger.periodSeconds) s"
  }
}
