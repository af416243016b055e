package import ProfileModel

/// A network profile with its task as one JSON object, complete and in a stable order.
///
/// Edges refer to nodes, and connections to edges, by their places. Times are in ns; a length of time that was never
/// measured is null, as is a view of an end that is no target.
package enum NetworkJSON {
  /// Raised when a reader of the older form would misread the newer one; new keys do not raise it.
  private static let version = 1

  package static func render(_ task: ProfilingTask, _ profile: NetworkProfile) -> String {
    var writer = JSONWriter()
    writer.document(schema: "swprof.network", version: version) { writer in
      writer.key("task")
      TaskJSON.write(task, to: &writer)
      writer.key("source")
      write(profile.source, to: &writer)
      writer.key("connection_count")
      writer.integer(profile.connectionCount)
      list("nodes", profile.nodes, to: &writer, write)
      list("edges", profile.edges, to: &writer) { write($0, profile, to: &$1) }
      list("findings", NetworkFinding.all(of: profile), to: &writer, write)
      list("connections", profile.connections, to: &writer) { write($0, profile, to: &$1) }
      list("endpoints", profile.endpoints, to: &writer) { write($0, profile, to: &$1) }
      list("samples", profile.samples, to: &writer) { write($0, profile, to: &$1) }
      writer.key("drops")
      writer.object { writer in
        for (reason, count) in profile.drops.sorted(by: { $0.key < $1.key }) {
          writer.key(reason)
          writer.integer(count)
        }
      }
      // Every cause, also the ones at zero: a reader must not wonder whether a cause was counted.
      writer.key("losses")
      writer.object { writer in
        for loss in NetworkLoss.allCases {
          writer.key(loss.rawValue)
          writer.integer(profile.losses[loss] ?? 0)
        }
      }
    }
    return writer.text + "\n"
  }

  private static func list<Element>(
    _ key: String, _ elements: [Element], to writer: inout JSONWriter, _ write: (Element, inout JSONWriter) -> Void
  ) {
    writer.key(key)
    writer.array { writer in
      for element in elements { write(element, &writer) }
    }
  }

  private static func write(_ source: NetworkSource, to writer: inout JSONWriter) {
    writer.object(isInline: true) { writer in
      writer.key("kind")
      writer.string(source.kind.rawValue)
      writer.key("received")
      writer.string(source.received.rawValue)
      writer.key("sent")
      writer.string(source.sent.rawValue)
      writer.key("has_call_times")
      writer.bool(source.hasCallTimes)
    }
  }

  private static func write(_ node: NetworkNode, to writer: inout JSONWriter) {
    writer.object(isInline: true) { writer in
      writer.key("kind")
      switch node {
      case .process(let id, let name, let isTarget, let cgroup):
        process(id, name, 1, isTarget, cgroup, to: &writer)
      case .program(let name, let count, let isTarget, let cgroup):
        process(nil, name, count, isTarget, cgroup, to: &writer)
      case .remote(let address, let port, let name, let namespace):
        writer.string("remote")
        writer.key("address")
        writer.string(address)
        writer.key("port")
        if let port { writer.integer(port) } else { writer.null() }
        writer.key("name")
        writer.string(name)
        writer.key("network_namespace")
        if let namespace { writer.integer(namespace) } else { writer.null() }
      case .other(let count):
        writer.string("other")
        writer.key("count")
        writer.integer(count)
      }
    }
  }

  /// - Parameter id: nil where there are several.
  private static func process(
    _ id: ProcessID?, _ name: String, _ count: UInt64, _ isTarget: Bool, _ cgroup: String?, to writer: inout JSONWriter
  ) {
    writer.string("process")
    writer.key("pid")
    if let id { writer.integer(id.rawValue) } else { writer.null() }
    writer.key("name")
    writer.string(name)
    writer.key("count")
    writer.integer(count)
    writer.key("is_target")
    writer.bool(isTarget)
    writer.key("cgroup")
    writer.string(cgroup)
  }

  private static func write(_ finding: NetworkFinding, to writer: inout JSONWriter) {
    writer.object { writer in
      for (key, text) in [
        ("kind", finding.kind.rawValue), ("evidence", finding.evidence.rawValue), ("text", finding.sentence),
      ] {
        writer.key(key)
        writer.string(text)
      }
      writer.key("edge")
      writer.integer(finding.edge)
      writer.key("messages")
      writer.integer(finding.count)
      writer.key("mean_delay_ns")
      writer.integer(finding.meanNanoseconds)
    }
  }

  private static func write(
    _ edge: NetworkEdge, _ profile: NetworkProfile, to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.key("client")
      writer.integer(edge.client)
      writer.key("server")
      writer.integer(edge.server)
      writer.key("transport")
      writer.string(edge.transport.rawValue)
      writer.key("protocol")
      writer.string(edge.speaks.rawValue)
      writer.key("is_tls")
      writer.bool(edge.isTLS)
      for (key, role, view) in [
        ("client_view", NetworkRole.client, edge.clientView), ("server_view", .server, edge.serverView),
      ] {
        writer.key(key)
        if let view { write(view, [profile.requestStart(of: edge, role)], to: &writer) } else { writer.null() }
      }
    }
  }

  private static func write(
    _ connection: NetworkConnection, _ profile: NetworkProfile, to writer: inout JSONWriter
  ) {
    writer.object(isInline: true) { writer in
      writer.key("edge")
      writer.integer(connection.edge)
      writer.key("role")
      writer.string(connection.role.rawValue)
      writer.key("pid")
      writer.integer(connection.process.rawValue)
      writer.key("process_name")
      writer.string(connection.processName)
      writer.key("fd")
      if let descriptor = connection.descriptor { writer.integer(descriptor) } else { writer.null() }
      writer.key("network_namespace")
      if let namespace = connection.namespace { writer.integer(namespace) } else { writer.null() }
      writer.key("local")
      writer.string(connection.local)
      writer.key("remote")
      writer.string(connection.remote)
      for (key, time) in [("opened_at_unix_ns", connection.openedAt), ("closed_at_unix_ns", connection.closedAt)] {
        writer.key(key)
        if let time { writer.integer(time.nanoseconds) } else { writer.null() }
      }
      writer.key("totals")
      write(
        connection.totals, [profile.requestStart(of: profile.edges[connection.edge], connection.role)], to: &writer)
    }
  }

  /// - Parameter starts: what the times of its requests start from.
  private static func write(_ totals: NetworkTotals, _ starts: [RequestStart], to writer: inout JSONWriter) {
    writer.object { writer in
      for (key, count) in [
        ("connections", totals.connections), ("opened", totals.opened), ("closed", totals.closed),
        ("resets", totals.resets), ("failed", totals.failed), ("bytes_sent", totals.bytesSent),
        ("bytes_received", totals.bytesReceived), ("sends", totals.sends), ("receives", totals.receives),
        ("retransmits", totals.retransmits), ("drops", totals.drops), ("held_messages", totals.heldMessages),
        ("held_ns", totals.heldNanoseconds),
      ] {
        writer.key(key)
        writer.integer(count)
      }
      for (key, histogram) in [
        ("connect_time", totals.connectTime), ("accept_delay", totals.acceptDelay), ("send_time", totals.sendTime),
        ("receive_time", totals.receiveTime), ("close_time", totals.closeTime), ("round_trip", totals.roundTrip),
      ] {
        writer.key(key)
        write(histogram, to: &writer)
      }
      writer.key("requests")
      write(totals.requests, starts, to: &writer)
    }
  }

  /// Null where they are not known.
  private static func write(_ starts: [RequestStart], to writer: inout JSONWriter) {
    writer.key("starts_from")
    writer.string(starts.count > 1 ? "mixed" : starts.first?.rawValue)
  }

  private static func write(_ totals: RequestTotals, _ starts: [RequestStart], to writer: inout JSONWriter) {
    writer.object(isInline: true) { writer in
      for (key, count) in [
        ("count", totals.count), ("finished", totals.finished), ("not_ended", totals.notEnded),
        ("ends_missed", totals.endsMissed), ("unpaired", totals.unpaired), ("unanswered", totals.unanswered),
        ("request_bytes", totals.requestBytes), ("response_bytes", totals.responseBytes),
      ] {
        writer.key(key)
        writer.integer(count)
      }
      writer.key("statuses")
      writer.object { writer in
        for (index, count) in totals.statusClasses.enumerated() {
          writer.key("\(index + 1)xx")
          writer.integer(count)
        }
      }
      write(starts, to: &writer)
      writer.key("duration")
      write(totals.durations, to: &writer)
      writer.key("first_byte_mean_ns")
      let answered = totals.answered
      if answered > 0 { writer.integer(totals.firstByteNanoseconds / answered) } else { writer.null() }
    }
  }

  private static func write(_ histogram: LatencyHistogram, to writer: inout JSONWriter) {
    writer.object(isInline: true) { writer in
      let count = histogram.count
      writer.key("count")
      writer.integer(count)
      for (key, time) in [
        ("mean_ns", histogram.meanNanoseconds), ("p50_ns", histogram.percentile(0.5)),
        ("p90_ns", histogram.percentile(0.9)), ("p99_ns", histogram.percentile(0.99)),
      ] {
        writer.key(key)
        if let time { writer.decimal(time, digits: 0) } else { writer.null() }
      }
      writer.key("max_ns")
      if count > 0 { writer.integer(histogram.maximumNanoseconds) } else { writer.null() }
    }
  }

  private static func write(_ endpoint: HTTPEndpoint, _ profile: NetworkProfile, to writer: inout JSONWriter) {
    writer.object(isInline: true) { writer in
      writer.key("pid")
      if endpoint.instances == nil { writer.integer(endpoint.process.rawValue) } else { writer.null() }
      writer.key("process_count")
      writer.integer(endpoint.instances ?? 1)
      writer.key("process_name")
      writer.string(endpoint.processName)
      writer.key("role")
      writer.string(endpoint.role.rawValue)
      writer.key("is_tls")
      writer.bool(endpoint.isTLS)
      writer.key("method")
      writer.string(endpoint.method)
      writer.key("path")
      writer.string(endpoint.path)
      writer.key("totals")
      write(endpoint.totals, profile.requestStarts(of: endpoint.process, endpoint.role), to: &writer)
    }
  }

  private static func write(_ sample: RequestSample, _ profile: NetworkProfile, to writer: inout JSONWriter) {
    writer.object { writer in
      for (key, text) in [
        ("reason", sample.reason.rawValue), ("role", sample.role.rawValue), ("process_name", sample.processName),
        ("method", sample.method), ("path", sample.path), ("peer", sample.peer),
      ] {
        writer.key(key)
        writer.string(text)
      }
      writer.key("pid")
      writer.integer(sample.process.rawValue)
      writer.key("is_tls")
      writer.bool(sample.isTLS)
      writer.key("status")
      writer.integer(sample.status)
      write(profile.requestStarts(of: sample.process, sample.role), to: &writer)
      writer.key("started_at_unix_ns")
      writer.integer(sample.startedAt.nanoseconds)
      writer.key("duration_ns")
      if let duration = sample.durationNanoseconds { writer.integer(duration) } else { writer.null() }
      for (key, number) in [
        ("first_byte_ns", sample.firstByteNanoseconds), ("request_bytes", sample.requestBytes),
        ("response_bytes", sample.responseBytes),
      ] {
        writer.key(key)
        writer.integer(number)
      }
      writer.key("request")
      writer.string(sample.request)
      writer.key("response")
      writer.string(sample.response)
    }
  }
}
