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
  private let typeCount: Int
  /// The values that become counts and times; where there is no time, each count may stand for the same one.
  private let count: Int
  private let time: (index: Int, scale: UInt64)?
  private let period: UInt64

  init(_ file: Perftools_Profiles_Profile) throws(PprofError) {
    var types: [ValueType] = []
    for (index, type) in file.sampleType.enumerated() {
      let place = "sample type \(index + 1)"
      types.append(
        ValueType(name: try file.text(type.type, place: place), unit: try file.text(type.unit, place: place)))
    }
    guard !types.isEmpty else { throw .unknown(what: "a type of values", place: "the profile") }
    typeCount = types.count
    let wanted = try file.text(file.defaultSampleType, place: "the default sample type")
    let shown = types.lastIndex { $0.name == wanted } ?? types.count - 1
    let timeIndex = types[shown].nanoseconds != nil ? shown : Self.time(besides: shown, types)
    time = timeIndex.flatMap { index in types[index].nanoseconds.map { (index, $0) } }
    let isTime = types[shown].nanoseconds != nil
    count = isTime ? types.firstIndex { $0.unit == "count" } ?? shown : shown
    unit = Self.unit(types[count].name, types[count].unit)
    let periodType = try file.text(file.periodType.type, place: "the period's type")
    kind = Self.kind(types.map(\.name), shown: types[shown].name, period: periodType)
    let periodUnit = ValueType(name: "", unit: try file.text(file.periodType.unit, place: "the period's type"))
    let (length, overflow) = UInt64(clamping: file.period).multipliedReportingOverflow(by: periodUnit.nanoseconds ?? 0)
    period = timeIndex == nil && types[count].unit == "count" && kind == .onCPU && !overflow ? length : 0
    let shownTypes = [count, timeIndex ?? count]
    let others = types.indices.filter { !shownTypes.contains($0) }.map { types[$0].name }
    warnings = others.isEmpty ? [] : ["values of other types are passed over: \(others.joined(separator: ", "))"]
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
