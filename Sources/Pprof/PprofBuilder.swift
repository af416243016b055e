import ProfileModel

// The messages are in profile.pb.swift, made once from profile.proto (google/pprof b9395ee, Apache License 2.0) by protoc
// and the protoc-gen-swift of swift-protobuf 1.39.0:
// protoc --swift_opt=Visibility=Internal --swift_opt=UseAccessLevelOnImports=true --swift_out=. profile.proto

/// The tables of a pprof message, in which equal things are one.
struct PprofBuilder {
  private struct FunctionKey: Hashable {
    let name: Int64
    let file: Int64
  }

  private(set) var message = Perftools_Profiles_Profile()
  private(set) var strings = [""]
  private var stringOf = ["": Int64(0)]
  /// The text of labels with an empty value; 0 where there is none.
  private var emptyText: Int64 = 0
  private var functionOf: [FunctionKey: UInt64] = [:]
  private var moduleOf: [Module: Int] = [:]
  private var frameOf: [Frame: Int32] = [:]
  private var frames: [Frame] = []
  /// A place in code: its physical frame, and above it what is inlined there. A location is a node of this tree.
  private var places = StackTree()
  private var placeOf: [StackTree.Node: Int32] = [:]
  /// The location of each place; 0 for none.
  private var locationOf: [UInt64] = []
  private let values: [PprofValue]
  private let hasThreads: Bool

  init(values: [PprofValue], hasThreads: Bool) {
    self.values = values
    self.hasThreads = hasThreads
  }

  mutating func string(_ text: String) -> Int64 {
    if let known = stringOf[text] { return known }
    strings.append(text)
    stringOf[text] = Int64(strings.count - 1)
    return Int64(strings.count - 1)
  }

  mutating func valueType(_ type: String, _ unit: String) -> Perftools_Profiles_ValueType {
    var value = Perftools_Profiles_ValueType()
    value.type = string(type)
    value.unit = string(unit)
    return value
  }

  /// Adds a mapping for each module, that of the main program first, as readers expect.
  mutating func addMappings(of runs: [Profile]) {
    if let main = MainProgram.module(of: runs) { _ = index(of: main) }
    for run in runs {
      for module in run.modules { _ = index(of: module) }
    }
  }

  private mutating func index(of module: Module) -> Int {
    if let known = moduleOf[module] { return known }
    var mapping = Perftools_Profiles_Mapping()
    mapping.id = UInt64(message.mapping.count) + 1
    mapping.filename = string(module.path)
    mapping.buildID = string(module.buildID ?? "")
    // Said of frames without a name too: they are named by their offset, and readers should look for nothing better
    // with addresses that they take for those of a running process.
    mapping.hasFunctions_p = true
    message.mapping.append(mapping)
    moduleOf[module] = message.mapping.count - 1
    return message.mapping.count - 1
  }

  /// Says what the locations of each mapping have, and gives each mapping the range of their addresses.
  mutating func finishMappings() {
    for location in message.location where location.mappingID > 0 {
      let index = Int(location.mappingID) - 1
      let end = location.address.addingReportingOverflow(1)
      message.mapping[index].memoryLimit = max(
        message.mapping[index].memoryLimit, end.overflow ? .max : end.partialValue)
      if location.line.count > 1 { message.mapping[index].hasInlineFrames_p = true }
      if location.line.contains(where: { $0.line > 0 }) {
        message.mapping[index].hasFilenames_p = true
        message.mapping[index].hasLineNumbers_p = true
      }
    }
  }

  /// Adds the samples of a run.
  mutating func add(_ profile: Profile, number: Int64?) {
    let frameOf = profile.frames.map { index(of: $0, in: profile) }
    let nodes = profile.stacks.nodes
    var place = [Int32](repeating: -1, count: nodes.count)
    var isInlinedInParent = [Bool](repeating: false, count: nodes.count)
    for (index, node) in nodes.enumerated() {
      let frame = frameOf[Int(node.frame)]
      let parent = Int(node.parent)
      isInlinedInParent[index] =
        parent >= 0 && Self.isInlined(frames[Int(frame)], in: frames[Int(frameOf[Int(nodes[parent].frame)])])
      place[index] = self.place(of: frame, in: isInlinedInParent[index] ? place[parent] : -1)
    }
    let labels = profile.threads.map { self.labels(of: $0, run: number) }
    let setLabels = ([.empty] + profile.labels.sets).map { set in
      set.labels.map { label(of: $0) }
    }
    message.sample.reserveCapacity(message.sample.count + profile.values.count)
    for value in profile.values {
      var sample = Perftools_Profiles_Sample()
      var node = Int(value.stack)
      while node >= 0 {
        sample.locationID.append(location(of: place[node]))
        while isInlinedInParent[node] { node = Int(nodes[node].parent) }
        node = Int(nodes[node].parent)
      }
      sample.value = values.map { $0.of(value.weight) }
      sample.label = labels[value.thread] + setLabels[Int(value.labels)]
      message.sample.append(sample)
    }
  }

  /// Whether a frame is a copy of a function within the code of its caller.
  private static func isInlined(_ frame: Frame, in caller: Frame) -> Bool {
    frame.isInlined && frame.address == caller.address && frame.module == caller.module && caller.origin != .marker
  }

  private mutating func index(of frame: Frame, in profile: Profile) -> Int32 {
    let module = Self.module(frame.module.map { profile.modules[$0] }, of: frame.origin)
    let known = Frame(
      function: frame.function, module: module.map { index(of: $0) }, address: frame.address, origin: frame.origin,
      isInlined: frame.isInlined, source: frame.source)
    if let index = frameOf[known] { return index }
    frames.append(known)
    frameOf[known] = Int32(frames.count - 1)
    return Int32(frames.count - 1)
  }

  /// The module by which a reader knows what kind of code it has: the format has no other place for it.
  private static func module(_ module: Module?, of origin: FrameOrigin) -> Module? {
    switch origin {
    case .kernel: module ?? Module(path: "[kernel]")
    case .jit: module ?? Module(path: "[jit]")
    case .interpreted(let language): InterpretedModule.interpreted.module(language, module)
    case .interpreterNative(let language): InterpretedModule.interpreter.module(language, module)
    case .user, .unresolved, .marker: module
    }
  }

  private mutating func place(of frame: Int32, in outer: Int32) -> Int32 {
    let node = StackTree.Node(parent: outer, frame: frame)
    if let known = placeOf[node] { return known }
    let place = places.append(node)
    placeOf[node] = place
    locationOf.append(0)
    return place
  }

  private mutating func location(of place: Int32) -> UInt64 {
    if locationOf[Int(place)] > 0 { return locationOf[Int(place)] }
    var location = Perftools_Profiles_Location()
    location.id = UInt64(message.location.count) + 1
    for frame in places.path(to: place).reversed().map({ frames[$0] }) {
      location.address = frame.address
      location.mappingID = frame.module.map { UInt64($0) + 1 } ?? 0
      var line = Perftools_Profiles_Line()
      line.functionID = function(of: frame)
      line.line = Int64(frame.source?.line ?? 0)
      location.line.append(line)
    }
    message.location.append(location)
    locationOf[Int(place)] = location.id
    return location.id
  }

  private mutating func function(of frame: Frame) -> UInt64 {
    let key = FunctionKey(name: string(frame.function), file: string(frame.source?.file ?? ""))
    if let known = functionOf[key] { return known }
    var function = Perftools_Profiles_Function()
    function.id = UInt64(message.function.count) + 1
    function.name = key.name
    // The system's own name is not kept. Were the name at hand put in its place, readers would take it for one that
    // still is to be demangled, and cut its parameters off.
    function.filename = key.file
    message.function.append(function)
    functionOf[key] = function.id
    return function.id
  }

  private mutating func labels(of thread: ProfiledThread, run: Int64?) -> [Perftools_Profiles_Label] {
    var labels: [Perftools_Profiles_Label] = []
    if hasThreads {
      labels = [
        label(PprofLabel.thread, text: thread.name), label(PprofLabel.processName, text: thread.processName),
        label(PprofLabel.pid, number: Int64(thread.process.rawValue)),
        label(PprofLabel.tid, number: Int64(thread.thread.rawValue)),
      ]
    }
    if let run { labels.append(label(PprofLabel.run, number: run)) }
    return labels
  }

  private mutating func label(of label: Label) -> Perftools_Profiles_Label {
    var written = self.label(PprofLabel.written(label.key), text: label.value)
    guard label.value.isEmpty else { return written }
    // Text 0 would be no text: an empty value is another empty text.
    if emptyText == 0 {
      strings.append("")
      emptyText = Int64(strings.count - 1)
    }
    written.str = emptyText
    return written
  }

  private mutating func label(_ key: String, text: String? = nil, number: Int64 = 0) -> Perftools_Profiles_Label {
    var label = Perftools_Profiles_Label()
    label.key = string(key)
    if let text { label.str = string(text) } else { label.num = number }
    return label
  }
}

/// The keys of labels that we write.
enum PprofLabel {
  static let thread = "thread"
  /// The name of the process's main thread.
  static let processName = "comm"
  static let pid = "pid"
  static let tid = "tid"
  static let run = "run"

  /// The keys by which readers know threads and runs, ours and those of other programs.
  private static let reserved: Set<String> = [
    thread, "thread_name", "thread name", processName, "process_name", pid, "process_id", tid, "thread_id", "thread id",
    run,
  ]
  /// Stands before a key of a profile's label that would be taken for one of these.
  private static let escape = "label."

  static func written(_ key: String) -> String {
    reserved.contains(key) || key.hasPrefix(escape) ? escape + key : key
  }

  /// The key of a profile's label; nil for one that tells of the thread or the run.
  static func read(_ key: String) -> String? {
    if reserved.contains(key) { return nil }
    guard key.hasPrefix(escape) else { return key }
    let bare = String(key.dropFirst(escape.count))
    return written(bare) == key ? bare : key
  }
}

/// The module of functions that are interpreted, or are of an interpreter, in pprof files: `[interpreted: python]` or
/// `[interpreter: python]`, with the path of their own behind it.
enum InterpretedModule: String, CaseIterable {
  case interpreted
  case interpreter

  private var prefix: String { "[\(rawValue): " }

  func module(_ language: Language, _ own: Module?) -> Module {
    Module(path: "\(prefix)\(language.name)]\(own.map { " \($0.path)" } ?? "")", buildID: own?.buildID)
  }

  private func origin(_ language: Language) -> FrameOrigin {
    switch self {
    case .interpreted: .interpreted(language)
    case .interpreter: .interpreterNative(language)
    }
  }

  /// The origin and the module of its own that a path tells; nil for one of another form.
  static func read(_ path: String) -> (origin: FrameOrigin, own: String?)? {
    guard let kind = allCases.first(where: { path.hasPrefix($0.prefix) }), let end = path.firstIndex(of: "]"),
      let language = Language(path[..<end].dropFirst(kind.prefix.count))
    else { return nil }
    let own = path[end...].dropFirst()
    return (kind.origin(language), own.hasPrefix(" ") ? String(own.dropFirst()) : nil)
  }
}
