import ProfileModel

/// Which of the values of a sample are counts and which are times.
struct PprofValueTypes {
  private struct ValueType {
    let name: String
    let unit: String

    /// The length of the unit in ns; nil for what is no time.
    var nanoseconds: UInt64? {
      switch unit {
      case "nanoseconds", "ns": 1
      case "microseconds", "us": 1000
      case "milliseconds", "ms": 1_000_000
      case "seconds", "s": 1_000_000_000
      default: nil
      }
    }
  }

  let kind: TaskKind?
  /// What is counted, in the plural.
  let unit: String
  let warnings: [String]
  /// Samples a second, where the file tells.
  let frequencyHertz: Int?
  private let typeCount: Int
  /// The values that become counts and times; where there is no time, each count may stand for the same one.
  private let count: Int
  private let time: (index: Int, scale: UInt64)?
  private let period: UInt64
  /// What is known of the number of samples before any is read.
  private let declared: Declared

  private enum Declared {
    case samples
    /// Numbers of something; `perf_to_profile` writes sums of periods so.
    case counts
    case unknown(String)
    /// The period in the unit of the value; nil where the file does not tell.
    case time(period: Double?)
    /// - Parameter objects: where the number of objects stands that the bytes belong to.
    case bytes(period: Double, objects: Int?)
  }

  /// - Parameter wanted: the type of values to show; nil for the one that the file says.
  init(_ file: Perftools_Profiles_Profile, wanted event: String? = nil) throws(PprofError) {
    var types: [ValueType] = []
    for (index, type) in file.sampleType.enumerated() {
      let place = "sample type \(index + 1)"
      types.append(
        ValueType(name: try file.text(type.type, place: place), unit: try file.text(type.unit, place: place)))
    }
    guard !types.isEmpty else { throw .unknown(what: "a type of values", place: "the profile") }
    typeCount = types.count
    if let event, !types.contains(where: { $0.name == event }) {
      throw .noSuchType(event, known: types.map(\.name))
    }
    let preferred = try file.text(file.defaultSampleType, place: "the default sample type")
    let wanted = event ?? preferred
    let shown = types.lastIndex { $0.name == wanted } ?? types.count - 1
    let timeIndex = types[shown].nanoseconds != nil ? shown : Self.time(besides: shown, types)
    time = timeIndex.flatMap { index in types[index].nanoseconds.map { (index, $0) } }
    let isTime = types[shown].nanoseconds != nil
    count = isTime ? Self.count(besides: shown, types) ?? shown : shown
    unit = Self.unit(types[count].name, types[count].unit)
    let periodType = try file.text(file.periodType.type, place: "the period's type")
    kind = Self.kind(types.map(\.name), shown: types[shown].name, period: periodType)
    let periodUnit = ValueType(name: "", unit: try file.text(file.periodType.unit, place: "the period's type"))
    let (length, overflow) = UInt64(clamping: file.period).multipliedReportingOverflow(by: periodUnit.nanoseconds ?? 0)
    period = timeIndex == nil && types[count].unit == "count" && kind == .onCPU && !overflow ? length : 0
    declared = Self.declared(types, count, period: UInt64(clamping: file.period), periodUnit)
    frequencyHertz = kind == .onCPU && !overflow ? Self.frequency(periodNanoseconds: length) : nil
    let shownTypes = [count, timeIndex ?? count]
    let others = types.indices.filter { !shownTypes.contains($0) }.map { types[$0].name }
    warnings = others.isEmpty ? [] : ["values of other types are passed over: \(others.joined(separator: ", "))"]
  }

  private static func frequency(periodNanoseconds: UInt64) -> Int? {
    let hertz = periodNanoseconds > 0 ? (1e9 / Double(periodNanoseconds)).rounded() : 0
    return hertz >= 1 ? Int(hertz) : nil
  }

  private static func declared(
    _ types: [ValueType], _ count: Int, period: UInt64, _ periodType: ValueType
  ) -> Declared {
    let type = types[count]
    if type.unit == "count" {
      // Go writes what the sampled ones stand for (runtime/pprof, scaleHeapSample and the like).
      let estimates = ["alloc_objects", "inuse_objects", "contentions"]
      if estimates.contains(type.name) { return .unknown("its numbers of \(type.name) are estimates") }
      return ["samples", "switches"].contains(type.name) ? .samples : .counts
    }
    if let scale = type.nanoseconds {
      guard period > 0, let length = periodType.nanoseconds else { return .time(period: nil) }
      return .time(period: Double(period) * Double(length) / Double(scale))
    }
    guard type.unit == "bytes", periodType.unit == "bytes", period > 0 else {
      return .unknown("what it counts are \(type.unit.isEmpty ? "numbers without a unit" : type.unit)")
    }
    // `alloc_space` and `inuse_space` have `alloc_objects` and `inuse_objects` beside them.
    let objects = type.name.hasSuffix("space") ? type.name.dropLast("space".count) + "objects" : nil
    return .bytes(period: Double(period), objects: types.firstIndex { $0.name == objects ?? "" })
  }

  /// Where the number of objects stands that the bytes belong to; nil where the file does not count objects.
  var objectsIndex: Int? {
    if case .bytes(_, let objects) = declared { return objects }
    return nil
  }

  /// What the values that were read say of the number of samples.
  ///
  /// - Parameters:
  ///   - weights: of all stacks.
  ///   - objects: how many objects they are; nil where the file does not count them.
  func counting(_ weights: [UInt64], objects: Double?) -> SampleCounting {
    switch declared {
    case .samples: return .samples
    case .counts: return SampleCounting(judging: weights)
    case .unknown(let reason): return .unknown(reason: reason)
    case .time(nil): return SampleCounting(judgingTimes: weights)
    case .time(let period?): return SampleCounting(judging: weights, period: period)
    case .bytes(let period, _):
      // An object that is larger than the period is one sample, whatever it weighs.
      let total = weights.reduce(0.0) { $0 + Double($1) }
      return objects.map { $0 * period >= total } ?? true
        ? .periods(period) : .unknown(reason: "its objects are larger than the period")
    }
  }

  /// The type of counts that belongs to a type of times: of two pairs, the one that stands beside it.
  private static func count(besides shown: Int, _ types: [ValueType]) -> Int? {
    if shown > 0, types[shown - 1].unit == "count" { return shown - 1 }
    return types.firstIndex { $0.unit == "count" }
  }

  /// The type of times that belongs to a type of counts: of two pairs, the one that stands beside it.
  private static func time(besides shown: Int, _ types: [ValueType]) -> Int? {
    guard types[shown].unit == "count" else { return nil }
    if shown + 1 < types.count, types[shown + 1].nanoseconds != nil { return shown + 1 }
    return types.firstIndex { $0.nanoseconds != nil }
  }

  private static func unit(_ name: String, _ unit: String) -> String {
    if unit == "count" || unit.isEmpty { return name.isEmpty ? "samples" : name == "switches" ? "waits" : name }
    return unit
  }

  private static func kind(_ names: [String], shown: String, period: String) -> TaskKind? {
    let waits: Set = ["off_cpu", "offcpu", "off-cpu", "delay", "contentions", "switches", "wallclock"]
    if waits.contains(shown) { return .offCPU }
    if shown == "cpu" || shown == "samples" && (period == "cpu" || names.contains("cpu") || names.count == 1) {
      return .onCPU
    }
    return nil
  }

  /// What a sample weighs; nil for nothing.
  func weight(of values: [Int64], sample: Int) throws(PprofError) -> Weight? {
    guard values.count == typeCount else {
      throw .wrongValueCount(sample: sample, actual: values.count, expected: typeCount)
    }
    guard values.allSatisfy({ $0 >= 0 }) else { throw .negativeValue(sample: sample) }
    let number = UInt64(clamping: values[count])
    let length = time.map { UInt64(clamping: values[$0.index]) } ?? number
    let (nanoseconds, overflow) = length.multipliedReportingOverflow(by: time?.scale ?? period)
    guard !overflow else { throw .valuesTooLarge(sample: sample) }
    return number == 0 && nanoseconds == 0 ? nil : Weight(count: number, nanoseconds: nanoseconds)
  }
}
