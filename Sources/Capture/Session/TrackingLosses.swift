import ProfileModel

/// What following processes and CPUs has missed.
struct TrackingLosses {
  /// Processes that found no place in the table of targets.
  var targets: UInt64 = 0
  /// Records of mappings, names, forks and exits that the kernel dropped.
  var records: UInt64 = 0
  /// The same that could not be decoded.
  var malformed: UInt64 = 0
  /// Files and processes without room for their unwind tables.
  var tables: UInt64 = 0
  /// CPUs that came online during the capture, those that could be listened to and the others.
  var lateCPUs: UInt64 = 0
  var deafCPUs: UInt64 = 0
  /// How often the kernel paused the sampling of a CPU.
  var throttled: UInt64 = 0

  func note(in account: inout SampleAccount) {
    account.note(.targetTableFull, targets)
    account.note(.mappingRecordsLost, records)
    account.note(.mappingRecordMalformed, malformed)
    account.note(.unwindTableFull, tables)
    account.note(.cpuCameLate, lateCPUs)
    account.note(.cpuNotSampled, deafCPUs)
    account.note(.samplingThrottled, throttled)
  }
}
