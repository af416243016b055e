/// The addresses and ports of an IP connection, as one of its two ends sees them, and the namespace of that end.
struct ConnectionFlow: Hashable {
  let local: Endpoint
  let remote: Endpoint
  /// The inode of the network namespace; nil: any.
  let namespace: UInt32?
  /// `SOCK_STREAM` or `SOCK_DGRAM`.
  let type: UInt16

  /// The flow that the other end sees, if it is in the same namespace.
  var reversed: ConnectionFlow { ConnectionFlow(local: remote, remote: local, namespace: namespace, type: type) }

  /// This flow in any namespace; nil if it stays within its own, as other namespaces may have the same addresses.
  var inAnyNamespace: ConnectionFlow? {
    if local.isLoopback || remote.isLoopback || local.address == remote.address { return nil }
    return ConnectionFlow(local: local, remote: remote, namespace: nil, type: type)
  }
}

/// Which process has each flow.
struct FlowOwners<Owner: Equatable> {
  private enum Place: Equatable {
    case one(Owner, namespace: UInt32?)
    /// Several namespaces have this flow.
    case ambiguous
  }

  private var owners: [ConnectionFlow: Place] = [:]

  mutating func note(_ flow: ConnectionFlow, _ owner: Owner) {
    owners[flow] = .one(owner, namespace: flow.namespace)
    guard let anywhere = flow.inAnyNamespace else { return }
    switch owners[anywhere] {
    case .one(_, flow.namespace), nil: owners[anywhere] = .one(owner, namespace: flow.namespace)
    case .one, .ambiguous: owners[anywhere] = .ambiguous
    }
  }

  /// The process that has a flow in its namespace, or in the only namespace that has the flow.
  func owner(of flow: ConnectionFlow) -> Owner? {
    if case .one(let owner, _) = owners[flow] { return owner }
    guard let anywhere = flow.inAnyNamespace, case .one(let owner, _) = owners[anywhere] else { return nil }
    return owner
  }

  mutating func removeAll() { owners.removeAll(keepingCapacity: true) }
}
