/// The two ends of an IP connection, as one of them sees it, and where that is.
struct ConnectionEnds: Hashable {
  let local: Endpoint
  let remote: Endpoint
  /// The inode of the network namespace; nil: any.
  let namespace: UInt32?
  /// `SOCK_STREAM` or `SOCK_DGRAM`.
  let type: UInt16

  /// As the other end sees it, if that is in the same namespace.
  var reversed: ConnectionEnds { ConnectionEnds(local: remote, remote: local, namespace: namespace, type: type) }

  /// The same ends wherever they are; nil for those that stay within their namespace, where others may have the same.
  var inAnyNamespace: ConnectionEnds? {
    if local.isLoopback || remote.isLoopback || local.address == remote.address { return nil }
    return ConnectionEnds(local: local, remote: remote, namespace: nil, type: type)
  }
}

/// Which processes have the ends of connections.
struct EndOwners<Owner: Equatable> {
  private enum Place: Equatable {
    case one(Owner, namespace: UInt32?)
    /// Several namespaces have these ends.
    case ambiguous
  }

  private var owners: [ConnectionEnds: Place] = [:]

  mutating func note(_ ends: ConnectionEnds, _ owner: Owner) {
    owners[ends] = .one(owner, namespace: ends.namespace)
    guard let anywhere = ends.inAnyNamespace else { return }
    switch owners[anywhere] {
    case .one(_, ends.namespace), nil: owners[anywhere] = .one(owner, namespace: ends.namespace)
    case .one, .ambiguous: owners[anywhere] = .ambiguous
    }
  }

  /// Who has these ends in their namespace, or in the only one that has them.
  func owner(of ends: ConnectionEnds) -> Owner? {
    if case .one(let owner, _) = owners[ends] { return owner }
    guard let anywhere = ends.inAnyNamespace, case .one(let owner, _) = owners[anywhere] else { return nil }
    return owner
  }

  mutating func removeAll() { owners.removeAll(keepingCapacity: true) }
}
