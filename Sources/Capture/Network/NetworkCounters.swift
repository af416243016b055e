import BPF
import CProbes
import ProfileModel

extension swprof_network_counter: @retroactive Hashable {}

/// The network programs' own counters: connections, and losses by cause.
enum NetworkCounters {
  /// Sums over all CPUs.
  static func read(_ object: borrowing BPFObject) throws(BPFError) -> [swprof_network_counter: UInt64] {
    var counters: [swprof_network_counter: UInt64] = [:]
    for index in 0..<SWPROF_NETWORK_COUNTER_MAX.rawValue {
      counters[swprof_network_counter(index)] = try object.sum(map: NetworkMap.networkCounters, index: index)
    }
    return counters
  }

  /// The losses that occurred, by cause.
  static func losses(
    _ object: borrowing BPFObject, _ totals: [swprof_network_counter: UInt64]
  ) throws(BPFError) -> [NetworkLoss: UInt64] {
    let full = try object.sum(map: NetworkMap.counters, index: SWPROF_COUNTER_TARGET_TABLE_FULL.rawValue)
    return losses(totals, targetsMissed: full)
  }

  /// - Parameter targetsMissed: the number of processes that found no place in the table of targets.
  static func losses(
    _ totals: [swprof_network_counter: UInt64], targetsMissed: UInt64
  ) -> [NetworkLoss: UInt64] {
    let causes: [(NetworkLoss, swprof_network_counter)] = [
      (.connectionTableFull, SWPROF_NETWORK_CONNECTION_TABLE_FULL),
      (.connectionRecordLost, SWPROF_NETWORK_RECORD_LOST), (.sampleRecordLost, SWPROF_NETWORK_SAMPLE_LOST),
      (.payloadRecordLost, SWPROF_NETWORK_PAYLOAD_LOST), (.endpointTableFull, SWPROF_NETWORK_ENDPOINT_TABLE_FULL),
      (.payloadUnreadable, SWPROF_NETWORK_UNREADABLE), (.payloadSkipped, SWPROF_NETWORK_SKIPPED),
      (.pipelineOverflow, SWPROF_NETWORK_PIPELINE_OVERFLOW), (.responseUnmatched, SWPROF_NETWORK_UNMATCHED),
      (.messageLost, SWPROF_NETWORK_MESSAGE_LOST), (.tlsUnbound, SWPROF_NETWORK_TLS_UNBOUND),
      (.peerTableFull, SWPROF_NETWORK_PEER_TABLE_FULL), (.callTableFull, SWPROF_NETWORK_CALL_TABLE_FULL),
      (.threadTableFull, SWPROF_NETWORK_THREAD_TABLE_FULL), (.execRecordLost, SWPROF_NETWORK_EXEC_LOST),
      (.requestUnpaired, SWPROF_NETWORK_UNPAIRED),
    ]
    var losses: [NetworkLoss: UInt64] = [:]
    for (loss, counter) in causes {
      if let count = totals[counter], count > 0 { losses[loss] = count }
    }
    if targetsMissed > 0 { losses[.targetTableFull] = targetsMissed }
    return losses
  }
}
