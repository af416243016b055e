import ProfileModel

/// What the labels of a sample tell of its thread and run, and the others that are texts. Other numbers are passed over.
struct PprofLabels {
  /// Nil where no label tells of one.
  private(set) var thread: ProfiledThread?
  /// 0 where samples have no runs.
  private(set) var run: Int64 = 0
  private(set) var others = LabelSet.empty

  /// - Parameter strings: the file's table of texts.
  init(_ labels: [Perftools_Profiles_Label], strings: [String], sample: Int) throws(PprofError) {
    var process: Int64?
    var thread: Int64?
    var processName: String?
    var threadName: String?
    var others: [Label] = []
    for label in labels {
      let key = try Self.text(label.key, strings, sample)
      let text = try Self.text(label.str, strings, sample)
      // Other programs write numbers as text, too.
      let number = text.isEmpty ? label.num : Int64(text)
      switch key {
      case PprofLabel.run: run = number ?? 0
      case PprofLabel.pid, "process_id": process = number
      case PprofLabel.tid, "thread_id", "thread id": thread = number
      case PprofLabel.thread, "thread_name", "thread name": threadName = text
      case PprofLabel.processName, "process_name": processName = text
      default:
        guard label.str > 0, let own = PprofLabel.read(key) else { continue }
        others.append(Label(key: own, value: text))
      }
    }
    if !others.isEmpty { self.others = LabelSet(others) }
    guard process != nil || thread != nil || threadName != nil || processName != nil else { return }
    let name = threadName ?? processName ?? "[unknown]"
    self.thread = ProfiledThread(
      process: ProcessID(rawValue: Int32(clamping: process ?? thread ?? 0)),
      thread: ThreadID(rawValue: Int32(clamping: thread ?? process ?? 0)), processName: processName ?? name, name: name)
  }

  private static func text(_ index: Int64, _ strings: [String], _ sample: Int) throws(PprofError) -> String {
    if index == 0 { return "" }
    guard index > 0, index < strings.count else {
      throw .unknown(what: "text \(index)", place: "a label of sample \(sample)")
    }
    return strings[Int(index)]
  }
}
