import CProbes
import CUnwinding

/// Where a caller's rbx, r12, r13, r14 and r15 are: the registers besides rbp that functions keep for their callers
/// (System V ABI, AMD64 supplement, section 3.2.1).
///
/// One number for all, as the kernel side has it: `placeBits` for each register, in this order, from the lowest bits on.
package struct KeptRegisters: Hashable, Sendable {
  /// `SWPROF_PLACE_*`; a place n is at the frame address - 8 * n.
  package private(set) var places: UInt32

  package static let unchanged = KeptRegisters(places: 0)
  private static let placeBits: UInt64 = 6
  private static let lost: UInt32 = 63

  /// - Parameter number: the DWARF number of a register; others than the five are ignored.
  mutating func set(_ number: UInt64, to place: CallFrameRow.Place) {
    guard let shift = Self.shift(number) else { return }
    let value: UInt32 =
      switch place {
      case .unspecified, .same: 0
      case .offset(let offset) where offset < 0 && offset % 8 == 0 && offset > -8 * Int64(Self.lost):
        UInt32(-offset / 8)
      case .register(number): 0
      case .undefined, .offset, .valueOffset, .register, .expression, .valueExpression: Self.lost
      }
    places = places & ~(Self.lost << shift) | value << shift
  }

  mutating func restore(_ number: UInt64, from initial: KeptRegisters) {
    guard let shift = Self.shift(number) else { return }
    let mask = Self.lost << shift
    places = places & ~mask | initial.places & mask
  }

  private static func shift(_ number: UInt64) -> UInt64? {
    let index = UInt64(arch_kept_index(number))
    return index < UInt64(SWPROF_KEPT_REGISTERS) ? index * placeBits : nil
  }
}
