/// The names that the module `threading` has for the threads of a process.
///
/// It keeps its threads that run in the dict `_active`, by the thread pointer. A name is taken only if the `Thread` itself
/// says that it is of that thread, and if both still belong together when its name has been read.
package struct PythonThreadNames {
  /// `_active` of each interpreter.
  private var dicts: [UInt64: UInt64] = [:]

  private static let maximumInterpreters = 4
  private static let maximumThreads = 1024

  package init() {}

  private enum Attribute: String, CaseIterable {
    case name = "_name"
    case pointer = "_ident"
    /// Since 3.8; a child of a fork may have that of its parent.
    case nativeID = "_native_id"
  }

  /// Reads the names, by the number of each thread as its own pid namespace counts.
  ///
  /// - Parameter isTimeLeft: asked before each object that may take long; what is left out then has no name.
  package mutating func read(
    of runtime: PythonRuntime, in memory: some TargetMemory, while isTimeLeft: () -> Bool
  ) -> [UInt64: String] {
    let objects = PythonObjects(offsets: runtime.offsets, memory: memory)
    let threads = runtime.threads(in: memory)
    let states = Dictionary(grouping: threads, by: \.threadPointer)
    var interpreters: [UInt64] = []
    for thread in threads where !interpreters.contains(thread.interpreter) { interpreters.append(thread.interpreter) }
    dicts = dicts.filter { interpreters.contains($0.key) }
    var names: [UInt64: String] = [:]
    // The main interpreter is the last one; what it calls a thread counts more.
    for interpreter in interpreters.suffix(Self.maximumInterpreters) {
      guard let dict = dicts[interpreter] ?? Self.activeThreads(of: interpreter, objects, while: isTimeLeft),
        let entries = objects.entries(ofDict: dict)
      else {
        dicts[interpreter] = nil
        continue
      }
      dicts[interpreter] = dict
      var attributes: [UInt64: Attribute?] = [:]
      let found = entries.prefix(Self.maximumThreads).map { entry in
        (entry, isTimeLeft() ? Self.name(entry, states, objects, &attributes) : nil)
      }
      // The memory of a thread that has ended may be another's by now.
      let remaining = Set(objects.entries(ofDict: dict) ?? [])
      for case (let entry, let (nativeID, name)?) in found where remaining.contains(entry) { names[nativeID] = name }
    }
    return names
  }

  /// Finds `_active` of the module `threading`; nil where it is not imported.
  private static func activeThreads(
    of interpreter: UInt64, _ objects: PythonObjects<some TargetMemory>, while isTimeLeft: () -> Bool
  ) -> UInt64? {
    let place = interpreter &+ UInt64(objects.offsets.modules)
    guard let dict: UInt64 = objects.memory.value(at: place),
      let module = objects.entries(ofDict: dict)?.first(where: { isTimeLeft() && objects.isText($0.key, "threading") }),
      let variables = objects.variables(ofModule: module.value)
    else { return nil }
    return variables.first { isTimeLeft() && objects.isText($0.key, "_active") }?.value
  }

  /// - Parameters:
  ///   - entry: of `_active`.
  ///   - states: of the threads of the runtime, by the thread pointer.
  ///   - known: which of the attributes a string names, by its address.
  private static func name(
    _ entry: PythonObjects<some TargetMemory>.Entry, _ states: [UInt64: [PythonThread]],
    _ objects: PythonObjects<some TargetMemory>, _ known: inout [UInt64: Attribute?]
  ) -> (nativeID: UInt64, name: String)? {
    guard let pointer = objects.integer(entry.key), let states = states[pointer],
      let attributes = objects.attributes(of: entry.value)
    else { return nil }
    var values: [Attribute: UInt64] = [:]
    var textType: UInt64 = 0
    for entry in attributes {
      let attribute = known[entry.key] ?? Attribute.allCases.first { objects.isText(entry.key, $0.rawValue) }
      known[entry.key] = .some(attribute)
      guard let attribute else { continue }
      values[attribute] = entry.value
      textType = objects.type(of: entry.key)
    }
    guard let name = values[.name], let own = values[.pointer], objects.integer(own) == pointer,
      objects.type(of: name) == textType,
      let nativeID = states.compactMap(\.nativeID).first ?? values[.nativeID].flatMap(objects.integer),
      let text = PythonText.read(at: name, objects.offsets, in: objects.memory), !text.isEmpty
    else { return nil }
    return (nativeID, text)
  }
}
