import FoundationEssentials
import GRDB
import ProfileModel

/// Profiles as rows of the tables `profile`, `module`, `frame`, `label_set` and `thread`.
enum ProfileRecord {
  static func insert(_ profile: Profile, of task: TaskID, into database: Database) throws {
    try database.execute(
      sql: "INSERT INTO profile (task, stacks, timeline) VALUES (?, ?, ?)",
      arguments: [
        task.rawValue, Data(StackTreeCoding.encode(profile.stacks)),
        storedTimeline(of: profile).map { Data(TimelineCoding.encode($0)) },
      ])
    let modules = try database.makeStatement(
      sql: "INSERT INTO module (task, number, path, build_id) VALUES (?, ?, ?, ?)")
    for (number, module) in profile.modules.enumerated() {
      try modules.execute(arguments: [task.rawValue, number, StoredText(module.path), StoredText(module.buildID)])
    }
    try insert(profile.frames, of: task, into: database)
    try insert(profile.labels, of: task, into: database)
    try insert(profile.threads, weights: weights(of: profile), of: task, into: database)
  }

  static func fetch(_ task: TaskID, from database: Database) throws -> Profile {
    guard
      let row = try Row.fetchOne(
        database, sql: "SELECT stacks, timeline FROM profile WHERE task = ?", arguments: [task.rawValue])
    else { throw StoreError.noProfile(task) }
    var position = "stacks"
    do {
      var reader = RowReader(row)
      var profile = Profile()
      position = "modules"
      profile.modules = try modules(of: task, from: database)
      position = "frames"
      profile.frames = try frames(of: task, moduleCount: profile.modules.count, from: database)
      position = "stacks"
      profile.stacks = try StackTreeCoding.decode(try reader.bytes(), frameCount: profile.frames.count)
      position = "labels"
      let labels = try labelNumbers(of: task, into: &profile.labels, from: database)
      position = "threads"
      try readThreads(of: task, labels: labels, into: &profile, from: database)
      position = "times"
      if let bytes = try reader.optionalBytes() {
        profile.timeline = try TimelineCoding.decode(bytes, valueCount: profile.values.count)
        guard profile.hasConsistentTimeline else { throw RowReader.Malformed(column: "timeline") }
      }
      return profile
    } catch let error as VarintReader.Malformed {
      throw StoreError.malformedTask(task, detail: "its \(position) are damaged at byte \(error.position)")
    } catch let error as RowReader.Malformed {
      throw StoreError.malformedTask(task, detail: "its \(position) are damaged, column '\(error.column)'")
    }
  }

  // MARK: - Writing

  private static func insert(_ frames: [Frame], of task: TaskID, into database: Database) throws {
    let statement = try database.makeStatement(
      sql: """
        INSERT INTO frame (task, number, function, module, address, origin, is_inlined, source_file, source_line, language)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """)
    for (number, frame) in frames.enumerated() {
      try statement.execute(arguments: [
        task.rawValue, number, StoredText(frame.function), frame.module, Int64(bitPattern: frame.address),
        Int(frame.origin.code), frame.isInlined, StoredText(frame.source?.file), frame.source?.line,
        frame.origin.language?.name,
      ])
    }
  }

  private static func insert(_ labels: LabelTable, of task: TaskID, into database: Database) throws {
    let statement = try database.makeStatement(
      sql: "INSERT INTO label_set (task, number, key, value) VALUES (?, ?, ?, ?)")
    for (index, set) in labels.sets.enumerated() {
      for label in set.labels {
        try statement.execute(arguments: [task.rawValue, index + 1, StoredText(label.key), StoredText(label.value)])
      }
    }
  }

  private static func insert(
    _ threads: [ProfiledThread], weights: [[WeightCoding.Entry]], of task: TaskID, into database: Database
  ) throws {
    let statement = try database.makeStatement(
      sql: """
        INSERT INTO thread (task, number, pid, tid, process_name, name, weights, extremes, labels)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """)
    for (number, thread) in threads.enumerated() {
      try statement.execute(arguments: [
        task.rawValue, number, thread.process.rawValue, thread.thread.rawValue, StoredText(thread.processName),
        StoredText(thread.name), Data(WeightCoding.encode(weights[number])),
        ExtremesCoding.encode(weights[number]).map { Data($0) },
        LabelCoding.encode(weights[number]).map { Data($0) },
      ])
    }
  }

  private static func weights(of profile: Profile) -> [[WeightCoding.Entry]] {
    var weights = [[WeightCoding.Entry]](repeating: [], count: profile.threads.count)
    for value in profile.values {
      weights[value.thread].append(
        WeightCoding.Entry(
          stack: value.stack, labels: value.labels, weight: value.weight, extremes: value.extremes))
    }
    return weights
  }

  /// The timeline over the values as they will be read: thread by thread, by stack, then by labels.
  private static func storedTimeline(of profile: Profile) -> Timeline? {
    guard let timeline = profile.timeline else { return nil }
    let order = profile.values.indices.sorted {
      let (left, right) = (profile.values[$0], profile.values[$1])
      return (left.thread, left.stack, left.labels) < (right.thread, right.stack, right.labels)
    }
    var place = [Int](repeating: 0, count: order.count)
    for (position, index) in order.enumerated() { place[index] = position }
    return timeline.mapped { place[$0] }
  }

  // MARK: - Reading

  private static func modules(of task: TaskID, from database: Database) throws -> [Module] {
    var modules: [Module] = []
    let rows = try Row.fetchCursor(
      database, sql: "SELECT number, path, build_id FROM module WHERE task = ? ORDER BY number",
      arguments: [task.rawValue])
    while let row = try rows.next() {
      var reader = RowReader(row)
      try reader.number(modules.count)
      modules.append(Module(path: try reader.text(), buildID: try reader.optionalText()))
    }
    return modules
  }

  private static func frames(of task: TaskID, moduleCount: Int, from database: Database) throws -> [Frame] {
    var frames: [Frame] = []
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT number, function, module, address, origin, language, is_inlined, source_file, source_line
        FROM frame WHERE task = ? ORDER BY number
        """, arguments: [task.rawValue])
    while let row = try rows.next() {
      var reader = RowReader(row)
      try reader.number(frames.count)
      frames.append(try reader.frame(moduleCount: moduleCount))
    }
    return frames
  }

  /// Reads the label sets.
  ///
  /// - Returns: their numbers in the table by their numbers in the store: equal sets of a damaged store become one.
  private static func labelNumbers(
    of task: TaskID, into labels: inout LabelTable, from database: Database
  ) throws -> [Int32] {
    var sets: [[Label]] = []
    let rows = try Row.fetchCursor(
      database, sql: "SELECT number, key, value FROM label_set WHERE task = ? ORDER BY number",
      arguments: [task.rawValue])
    while let row = try rows.next() {
      var reader = RowReader(row)
      let known = max(1, sets.count)...sets.count + 1
      let number = try reader.integer { (number: Int) in known.contains(number) ? number : nil }
      if number > sets.count { sets.append([]) }
      sets[number - 1].append(Label(key: try reader.text(), value: try reader.text()))
    }
    return [0] + sets.map { labels.number(of: LabelSet($0)) }
  }

  private static func readThreads(
    of task: TaskID, labels: [Int32], into profile: inout Profile, from database: Database
  ) throws {
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT number, pid, tid, process_name, name, weights, extremes, labels
        FROM thread WHERE task = ? ORDER BY number
        """,
      arguments: [task.rawValue])
    var total = Weight.zero
    while let row = try rows.next() {
      var reader = RowReader(row)
      let number = profile.threads.count
      try reader.number(number)
      profile.threads.append(
        ProfiledThread(
          process: ProcessID(rawValue: try reader.integer()), thread: ThreadID(rawValue: try reader.integer()),
          processName: try reader.text(), name: try reader.text()))
      var entries = try WeightCoding.decode(try reader.bytes(), nodeCount: profile.stacks.nodes.count)
      if let extremes = try reader.optionalBytes() { try ExtremesCoding.decode(extremes, into: &entries) }
      if let bytes = try reader.optionalBytes() {
        try LabelCoding.decode(bytes, setCount: labels.count - 1, into: &entries)
      }
      for entry in entries {
        try total.add(entry.weight)
        profile.values.append(
          Profile.Value(
            thread: number, stack: entry.stack, labels: labels[Int(entry.labels)], weight: entry.weight,
            extremes: entry.extremes))
      }
    }
  }
}

extension Weight {
  /// Adds a weight that was read; readers of a profile rely on sums that fit.
  fileprivate mutating func add(_ other: Weight) throws(RowReader.Malformed) {
    let counts = count.addingReportingOverflow(other.count)
    let times = nanoseconds.addingReportingOverflow(other.nanoseconds)
    guard !counts.overflow, !times.overflow,
      Double(max(counts.partialValue, times.partialValue)) < Profile.weightLimit
    else { throw RowReader.Malformed(column: "weights") }
    self = Weight(count: counts.partialValue, nanoseconds: times.partialValue)
  }
}

extension RowReader {
  /// Reads the row's number, which must be the next one.
  fileprivate mutating func number(_ expected: Int) throws(Malformed) {
    try integer { (number: Int) -> Void? in number == expected ? () : nil }
  }

  fileprivate mutating func frame(moduleCount: Int) throws(Malformed) -> Frame {
    let function = try text { $0.isEmpty ? nil : $0 }
    let module = try optionalInteger(as: Int.self)
    if let module, !(0..<moduleCount).contains(module) { throw Malformed(column: "module") }
    let address = try bits()
    let origin = try origin()
    let isInlined = try integer(as: Int.self) != 0
    let file = try optionalText()
    let line = try optionalInteger(as: Int.self)
    var source: SourceLocation? = nil
    if let file, let line { source = SourceLocation(file: file, line: line) }
    return Frame(
      function: function, module: module, address: address, origin: origin, isInlined: isInlined, source: source)
  }
  private mutating func origin() throws(Malformed) -> FrameOrigin {
    let code = try integer(as: UInt8.self)
    let language = try optionalText().flatMap { Language($0) }
    guard let origin = FrameOrigin(code: code, language: language) else { throw Malformed(column: "origin") }
    return origin
  }
}
