import ProfileModel

/// The frames of the locations of a pprof file; those that no sample has are never made.
struct PprofFrames {
  private let file: Perftools_Profiles_Profile
  private var locations: [UInt64: Int] = [:]
  private var functions: [UInt64: Int] = [:]
  private var mappings: [UInt64: Int] = [:]
  /// From the outermost function to the innermost inlined one, by index of the location; nil for what is not read yet.
  private var framesOf: [[Int]?]
  private var indexOf: [Frame: Int] = [:]
  private(set) var list: [Frame] = []
  private(set) var modules: [Module] = []
  private var moduleOf: [Module: Int] = [:]
  /// The module of each mapping; nil where it has no name.
  private var mappingModules: [Int?] = []
  /// The origin of the functions of each mapping of an interpreter or of what it interprets.
  private var mappingOrigins: [FrameOrigin?] = []

  init(_ file: Perftools_Profiles_Profile) throws(PprofError) {
    self.file = file
    framesOf = [[Int]?](repeating: nil, count: file.location.count)
    for (index, location) in file.location.enumerated() {
      guard location.id > 0, locations.updateValue(index, forKey: location.id) == nil else {
        throw .ambiguous(what: "location \(location.id)")
      }
    }
    for (index, function) in file.function.enumerated() {
      guard function.id > 0, functions.updateValue(index, forKey: function.id) == nil else {
        throw .ambiguous(what: "function \(function.id)")
      }
    }
    for (index, mapping) in file.mapping.enumerated() {
      guard mapping.id > 0, mappings.updateValue(index, forKey: mapping.id) == nil else {
        throw .ambiguous(what: "mapping \(mapping.id)")
      }
      try add(mapping)
    }
  }

  /// The frame of a sample that has none.
  var noStack: Int {
    mutating get { index(of: Frame(function: "[no stack]", origin: .marker)) }
  }

  /// The frames of a location, from the outermost function to the innermost inlined one.
  mutating func frames(of location: UInt64, sample: Int) throws(PprofError) -> [Int] {
    guard let index = locations[location] else {
      throw .unknown(what: "location \(location)", place: "sample \(sample)")
    }
    if let known = framesOf[index] { return known }
    let frames = try makeFrames(of: file.location[index])
    framesOf[index] = frames
    return frames
  }

  private mutating func makeFrames(of location: Perftools_Profiles_Location) throws(PprofError) -> [Int] {
    let place = "location \(location.id)"
    var mapping: Int?
    if location.mappingID > 0 {
      mapping = mappings[location.mappingID]
      guard mapping != nil else { throw .unknown(what: "mapping \(location.mappingID)", place: place) }
    }
    let module = mapping.flatMap { mappingModules[$0] }
    let origin = mapping.flatMap { mappingOrigins[$0] }
    let address = self.address(of: location, mapping: mapping)
    guard !location.line.isEmpty else { return [index(of: unnamed(address, module: module))] }
    var frames: [Int] = []
    for line in location.line.reversed() {
      guard let (name, file) = try function(of: line, place: place) else {
        frames.append(index(of: unnamed(address, module: module)))
        continue
      }
      let lineNumber = Int(clamping: line.line)
      frames.append(
        index(
          of: Frame(
            function: name, module: module, address: address,
            origin: origin ?? self.origin(ofNamed: name, module: module, address: address),
            isInlined: !frames.isEmpty,
            source: file.isEmpty || lineNumber < 1 ? nil : SourceLocation(file: file, line: lineNumber))))
    }
    return frames
  }

  /// The name and the file of a line's function; nil where it has no name.
  private func function(
    of line: Perftools_Profiles_Line, place: String
  ) throws(PprofError) -> (name: String, file: String)? {
    guard line.functionID > 0 else { return nil }
    guard let index = functions[line.functionID] else {
      throw .unknown(what: "function \(line.functionID)", place: place)
    }
    let function = file.function[index]
    let where_ = "function \(function.id)"
    var name = try file.text(function.name, place: where_)
    if name.isEmpty { name = try file.text(function.systemName, place: where_) }
    return name.isEmpty ? nil : (name, try file.text(function.filename, place: where_))
  }

  /// The address within the module's file, where the mapping says what lies there.
  private func address(of location: Perftools_Profiles_Location, mapping: Int?) -> UInt64 {
    guard let mapping else { return location.address }
    let range = file.mapping[mapping]
    let isKernel = mappingModules[mapping].map { self.isKernel(modules[$0]) } ?? false
    guard !isKernel, location.address >= range.memoryStart else { return location.address }
    return location.address - range.memoryStart &+ range.fileOffset
  }

  private func unnamed(_ address: UInt64, module: Int?) -> Frame {
    let digits = "0x" + String(address, radix: 16)
    guard let module else { return Frame(function: "[\(digits)]", address: address, origin: .unresolved) }
    let name = modules[module].name
    let text = isKernel(modules[module]) ? "[kernel+\(digits)]" : "[\(name)+\(digits)]"
    return Frame(function: text, module: module, address: address, origin: .unresolved)
  }

  private func origin(ofNamed name: String, module: Int?, address: UInt64) -> FrameOrigin {
    let isLabel = name.hasPrefix("[") && name.hasSuffix("]")
    guard let module else {
      if address == 0, isLabel || name == "--" { return .marker }
      return isLabel && name.hasPrefix("[0x") ? .unresolved : .user
    }
    if isLabel, name.contains("+0x") || name.hasPrefix("[0x") { return .unresolved }
    if isKernel(modules[module]) { return .kernel }
    let path = modules[module].path
    return path == "[jit]" || path.hasPrefix("/tmp/perf-") || path.hasPrefix("//anon") ? .jit : .user
  }

  private func isKernel(_ module: Module) -> Bool { module.path.hasPrefix("[kernel") }

  private mutating func add(_ mapping: Perftools_Profiles_Mapping) throws(PprofError) {
    let place = "mapping \(mapping.id)"
    var path = try file.text(mapping.filename, place: place)
    let buildID = try file.text(mapping.buildID, place: place)
    let interpreted = InterpretedModule.read(path)
    if let interpreted { path = interpreted.own ?? "" }
    mappingOrigins.append(interpreted?.origin)
    mappingModules.append(path.isEmpty ? nil : module(path, buildID))
  }

  private mutating func module(_ path: String, _ buildID: String) -> Int {
    // What tools call the kernel's own code. Its modules keep their names.
    let isKernel = path.hasPrefix("[kernel.kallsyms]") || Module(path: path).name.hasPrefix("vmlinux")
    let module = Module(path: isKernel ? "[kernel]" : path, buildID: buildID.isEmpty ? nil : buildID)
    if let known = moduleOf[module] { return known }
    modules.append(module)
    moduleOf[module] = modules.count - 1
    return modules.count - 1
  }

  private mutating func index(of frame: Frame) -> Int {
    if let known = indexOf[frame] { return known }
    list.append(frame)
    indexOf[frame] = list.count - 1
    return list.count - 1
  }
}

extension Perftools_Profiles_Profile {
  /// A text of the table of texts.
  func text(_ index: Int64, place: @autoclosure () -> String) throws(PprofError) -> String {
    if index == 0 { return "" }
    guard index > 0, index < stringTable.count else { throw .unknown(what: "text \(index)", place: place()) }
    return stringTable[Int(index)]
  }
}
