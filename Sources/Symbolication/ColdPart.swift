import ELF
import Unwinding

/// The cold part of a function: code that runs seldom, which the compiler has put elsewhere (`.cold`). It has a symbol of
/// its own, but not one that is exported: a stripped file knows it by its call frame information alone.
enum ColdPart {
  /// Finds the cold part of a function by the jumps into the middle of another one: only a part of the same function is
  /// entered there.
  ///
  /// - Parameters:
  ///   - code: of the function, which starts at `start`.
  ///   - functions: of the file.
  /// - Returns: nil unless most of these jumps lead to the same place.
  static func range(of code: [UInt8], at start: UInt64, among functions: FunctionRanges) -> Range<UInt64>? {
    var hits: [Range<UInt64>: Int] = [:]
    for offset in code.indices {
      guard let target = jumpTarget(code, at: offset, start: start), target &- start >= UInt64(code.count),
        let function = functions.range(containing: target), function.lowerBound < target
      else { continue }
      hits[function, default: 0] += 1
    }
    let most = hits.max { $0.value < $1.value }
    let count = hits.values.reduce(0, +)
    return most.flatMap { $0.value > 1 && $0.value * 2 > count ? $0.key : nil }
  }

  /// Where a jump with a distance of 32 bits leads: `jmp` (E9) or `jcc` (0F 80 to 0F 8F).
  ///
  /// Any byte may be the first one here. What is none rarely leads to code, and then to any.
  private static func jumpTarget(_ code: [UInt8], at offset: Int, start: UInt64) -> UInt64? {
    let opcode: Int
    switch code[offset] {
    case 0xE9: opcode = 1
    case 0x0F where offset + 1 < code.count && code[offset + 1] & 0xF0 == 0x80: opcode = 2
    default: return nil
    }
    guard offset + opcode + 4 <= code.count else { return nil }
    let distance: UInt32 = code.integer(at: offset + opcode)
    return start &+ UInt64(offset + opcode + 4) &+ UInt64(bitPattern: Int64(Int32(bitPattern: distance)))
  }
}

extension ELFFile {
  /// The cold part of an exported function of a stripped file; nil if it has none, or none that can be told.
  func coldPart(ofExported name: String) -> Range<UInt64>? {
    guard machine == Machine.x86, let exported = try? DynamicSymbols(self), let start = try? exported.address(of: name),
      let functions = FunctionRanges(self), let function = functions.range(containing: start),
      let load = loads.first(where: {
        $0.isExecutable && start >= $0.virtualAddress && start - $0.virtualAddress < $0.fileSize
      })
    else { return nil }
    let inside = start - load.virtualAddress
    let size = min(function.upperBound - start, load.fileSize - inside, 1 << 20)
    guard let code = try? source.prefix(at: load.fileOffset &+ inside, limit: Int(size)) else { return nil }
    return ColdPart.range(of: code, at: start, among: functions)
  }
}
