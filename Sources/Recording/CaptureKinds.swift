package import Capture
package import ProfileModel

/// The kinds of captures there are, a row each.
package struct CaptureKinds {
  /// What a capture of any kind is prepared by.
  package struct Order {
    package var request: ResolvedTask
    /// What it shares with other captures; nil for tables of its own.
    package var tables: SharedTables?
    /// How many stacks and threads, or connections, the kernel keeps.
    package var tableCapacity: UInt32

    package init(_ request: ResolvedTask, tables: SharedTables? = nil, tableCapacity: UInt32 = 1 << 16) {
      self.request = request
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

    /// - Parameter options: what a task of this kind is asked for; nil for a task of another kind.
    fileprivate init<Options>(
      ringBufferBytes: UInt32, _ options: @escaping (TaskSpec.Kind) -> Options?,
      prepare: @escaping (Order, Options) throws -> any CaptureLifecycle
    ) {
      self.init(ringBufferBytes: ringBufferBytes) { order in
        guard let options = options(order.request.spec.kind) else {
          preconditionFailure("rows are looked up by the kind of the task")
        }
        return try prepare(order, options)
      }
    }
  }

  private let rows: [TaskKind: Row]

  package init(_ rows: [TaskKind: Row]) { self.rows = rows }

  /// All that this program has.
  package static var standard: CaptureKinds {
    CaptureKinds([
      .onCPU: Row(ringBufferBytes: 1 << 21, \.onCPU) { order, options in
        try OnCPUCapture(
          order.request, frequencyHertz: options.frequencyHertz, jitterSeed: options.drawSeed(), tables: order.tables,
          openPerfMap: PerfMapSearch.open)
      },
      .offCPU: Row(ringBufferBytes: 1 << 21, \.offCPU) { order, options in
        try OffCPUCapture(
          order.request, options, tableCapacity: order.tableCapacity, tables: order.tables,
          openPerfMap: PerfMapSearch.open)
      },
      .network: Row(ringBufferBytes: 1 << 22, \.network) { order, options in
        try NetworkCapture(order.request, NetworkTask.options(options, tableCapacity: order.tableCapacity))
      },
    ])
  }

  package func row(_ kind: TaskKind) throws(CaptureError) -> Row {
    guard let row = rows[kind] else { throw .missingFeature("this swprof cannot record '\(kind.rawValue)'") }
    return row
  }

  /// Loads what a capture needs, which then looks at nothing yet.
  package func prepare(_ order: Order) throws -> any CaptureLifecycle {
    try row(order.request.spec.kind.name).prepare(order)
  }
}
