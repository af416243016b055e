import BPF
import CProbes

/// The kernel's sums of requests by endpoint, in two maps: the cache `near_endpoints`, and `endpoints`.
struct EndpointTable {
  private let near: BPFMap
  private let others: BPFMap

  init(_ object: borrowing BPFObject) throws(BPFError) {
    near = try object.map(named: NetworkMap.nearEndpoints)
    others = try object.map(named: NetworkMap.endpoints)
  }

  /// All endpoints. One endpoint may be in both maps: the sum of its entries counts.
  func entries() throws(BPFError) -> [(swprof_endpoint_key, swprof_endpoint)] {
    var entries: [(swprof_endpoint_key, swprof_endpoint)] = []
    try near.forEachValue(of: swprof_near_endpoint.self) {
      if $1.key.isTaken { entries.append(($1.key, $1.endpoint)) }
    }
    return try entries + others.entries(startingWith: swprof_endpoint_key(), swprof_endpoint())
  }

  /// Removes the endpoints of processes that are not watched any more.
  func remove(where isOver: (_ process: UInt32) -> Bool) throws(BPFError) {
    var free: [UInt32] = []
    try near.forEachValue(of: swprof_near_endpoint.self) {
      if $1.key.isTaken, isOver($1.key.tgid) { free.append($0) }
    }
    for place in free { try near.update(key: place, value: swprof_near_endpoint()) }
    for (key, _) in try others.entries(startingWith: swprof_endpoint_key(), swprof_endpoint()) where isOver(key.tgid) {
      others.remove(key: key)
    }
  }
}

extension swprof_endpoint_key {
  /// Whether an entry of the cache holds an endpoint: its key has been written.
  fileprivate var isTaken: Bool { tgid != 0 && tgid != .max }
}
