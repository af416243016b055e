/// Memory of a process, or what a test puts in its place. Nothing in it can be trusted.
package protocol TargetMemory {
  /// The bytes from an address on; nil where not all of them could be read.
  func bytes(at address: UInt64, count: Int) -> [UInt8]?
}

extension TargetMemory {
  /// A number as the target's machine stores it; nil where it could not be read.
  package func value<Value: FixedWidthInteger & BitwiseCopyable>(at address: UInt64, as: Value.Type = Value.self)
    -> Value?
  {
    guard let bytes = bytes(at: address, count: MemoryLayout<Value>.size) else { return nil }
    return unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: Value.self) }
  }
}
