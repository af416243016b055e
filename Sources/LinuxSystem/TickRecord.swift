/// What the kernel says of an event that ticks (perf_event_open(2), "PERF_RECORD_THROTTLE").
package enum TickRecord: Equatable, Sendable {
  /// There were too many interrupts, or they took too long: none for a moment.
  case paused
  case resumed

  /// - Returns: nil for other kinds.
  package init?(decoding bytes: RawSpan) {
    guard bytes.byteCount >= 8 else { return nil }
    switch bytes.integer(at: 0, as: UInt32.self) {
    case 5: self = .paused
    case 6: self = .resumed
    default: return nil
    }
  }
}
