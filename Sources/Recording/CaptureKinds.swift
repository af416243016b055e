package import Capture
package import ProfileModel

/// The kinds of captures there are, a row each.
package struct CaptureKinds {
  /// What a capture of any kind is prepared by.
  package struct Order {
    package var request: CaptureRequest
    /// What is asked of the kind: its rate, its phases, its paths.
    package var parameters: CaptureParameters
    /// What it shares with other captures; nil for tables of its own.
    package var tables: SharedTables?
    /// How many stacks and threads, or connections, the kernel keeps.
    package var tableCapacity: UInt32

    package init(
      request: CaptureRequest, parameters: CaptureParameters, tables: SharedTables? = nil,
      tableCapacity: UInt32 = 1 << 16
    ) {
      self.request = request
      self.parameters = parameters
      self.tables = tables
      self.tableCapacity = tableCapacity
    }
  }

  /// A kind.
  package struct Row {
    /// The ring buffer of a task that a policy starts, in bytes.
    package let ringBufferBytes: UInt32
    let prepare: (Order) throws -> any CaptureLifecycle

    package init(ringBufferBytes: UInt32, prepare: @escaping (Order) throws -> any CaptureLifecycle) {
      self.ringBufferBytes = ringBufferBytes
      self.prepare = prepare
    }
  }

  private let rows: [TaskKind: Row]

  package init(_ rows: [TaskKind: Row]) { self.rows = rows }

  /// All that this program has.
  package static var standard: CaptureKinds {
    CaptureKinds([
      .onCPU: Row(ringBufferBytes: 1 << 21) { order in
        try OnCPUCapture(
          order.request, frequencyHertz: order.parameters.frequencyHertz ?? 99,
          jitterSeed: order.parameters.jitterSeed, tables: order.tables, openPerfMap: PerfMapSearch.open)
      },
      .offCPU: Row(ringBufferBytes: 1 << 21) { order in
        try OffCPUCapture(
          order.request, order.parameters.offCPU ?? OffCPUParameters(), tableCapacity: order.tableCapacity,
          tables: order.tables, openPerfMap: PerfMapSearch.open)
      },
      .network: Row(ringBufferBytes: 1 << 22) { order in
        try NetworkCapture(
          order.request,
          NetworkTask.options(order.parameters.network ?? NetworkParameters(), tableCapacity: order.tableCapacity))
      },
    ])
  }

  package func row(_ kind: TaskKind) throws(CaptureError) -> Row {
    guard let row = rows[kind] else { throw .missingFeature("this swprof cannot record '\(kind.rawValue)'") }
    return row
  }

  /// Loads what a capture needs, which then looks at nothing yet.
  package func prepare(_ kind: TaskKind, _ order: Order) throws -> any CaptureLifecycle {
    try row(kind).prepare(order)
  }
}
