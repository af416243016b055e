import Compression
package import ProfileModel
import SwiftProtobuf

/// Profiles as a pprof file (https://github.com/google/pprof/tree/main/proto), compressed.
package enum PprofWriter {
  /// Renders one task.
  package static func render(_ task: ProfilingTask, _ profile: Profile) -> [UInt8] {
    render([profile], PprofDescription(task))
  }

  /// Renders one run, or several: each sample of several has the number of its run, from 1, as its label `run`.
  ///
  /// Equal input gives equal bytes.
  package static func render(_ runs: [Profile], _ description: PprofDescription) -> [UInt8] {
    let bytes = message(runs, description)
    // Every reader takes the bytes as they are, too, where memory is too short for zlib.
    return Gzip.compress(bytes) ?? bytes
  }

  private static func message(_ runs: [Profile], _ description: PprofDescription) -> [UInt8] {
    let types = valueTypes(runs, description)
    var builder = PprofBuilder(values: types, hasThreads: description.hasThreads)
    builder.addMappings(of: runs)
    for (index, run) in runs.enumerated() { builder.add(run, number: runs.count > 1 ? Int64(index) + 1 : nil) }
    builder.finishMappings()
    var message = builder.message
    message.sampleType = types.map { builder.valueType($0.type, $0.unit) }
    if description.kind != .onCPU, let first = types.first {
      message.defaultSampleType = builder.string(
        description.kind == .offCPU || description.amount != nil ? types.last?.type ?? "" : first.type)
    }
    if let period = description.periodNanoseconds {
      message.periodType = builder.valueType("cpu", "nanoseconds")
      message.period = Int64(clamping: period)
    }
    message.timeNanos = description.startedAt?.nanoseconds ?? 0
    message.durationNanos = Int64(clamping: description.elapsedNanoseconds ?? 0)
    message.comment = description.comments.map { builder.string($0) }
    message.stringTable = builder.strings
    do { return try message.serializedBytes() } catch {
      preconditionFailure("a message without required fields and without extensions can be written")
    }
  }

  /// The types of the values of each sample, in their order.
  private static func valueTypes(_ runs: [Profile], _ description: PprofDescription) -> [PprofValue] {
    if let amount = description.amount, !(amount.isTime && description.kind == .onCPU) {
      return [
        PprofValue(type: "samples", unit: "count", isTime: false),
        PprofValue(type: amount.name, unit: amount.unit, isTime: true),
      ]
    }
    let hasTime = runs.contains { $0.values.contains { $0.weight.nanoseconds > 0 } }
    guard let types = description.kind?.words.pprofTypes else {
      if ["bytes", "nanoseconds"].contains(description.unit) {
        return [PprofValue(type: "value", unit: description.unit, isTime: false)]
      }
      let counted = PprofValue(type: description.unit, unit: "count", isTime: false)
      return hasTime ? [counted, PprofValue(type: "time", unit: "nanoseconds", isTime: true)] : [counted]
    }
    let count = PprofValue(type: types.count, unit: "count", isTime: false)
    let time = PprofValue(type: types.time, unit: "nanoseconds", isTime: true)
    return hasTime || types.alwaysHasTime ? [count, time] : [count]
  }
}

/// One of the values that each sample has.
struct PprofValue {
  let type: String
  let unit: String
  /// Whether it is the time of a weight, or else its count.
  let isTime: Bool

  func of(_ weight: Weight) -> Int64 { Int64(clamping: isTime ? weight.nanoseconds : weight.count) }
}
