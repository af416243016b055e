import ELF
import Unwinding

/// How far symbols without a size reach, as they have them in hand-written assembly.
///
/// In a file with all its symbols, to the next one. Where symbols are missing, as in a stripped file, the code behind such
/// a symbol may be that of any function. Then the call frame information tells where the function ends, or its
/// instructions do: code that runs on from the symbol, up to one that always leaves.
struct SymbolReach {
  private let file: ELFFile
  /// Nil until it is asked for.
  private var functions: FunctionRanges??
  /// The code that may still be decoded, in bytes.
  private var budget = 64 << 20

  /// Of one function. Larger ones have call frame information.
  private static let maximumCode: UInt64 = 1 << 16

  init(_ file: ELFFile) { self.file = file }

  /// Whether a symbol without a size names an address behind it that no other symbol lies between.
  ///
  /// - Parameter isComplete: whether every function of the file has a symbol.
  mutating func reaches(from start: UInt64, to address: UInt64, isComplete: Bool) -> Bool {
    guard start < address else { return true }
    let functions = self.functions ?? FunctionRanges(file)
    self.functions = functions
    if let next = functions?.nextStart(after: start), next <= address { return false }
    if let function = functions?.range(containing: start) { return function.contains(address) }
    return isComplete || runsOn(from: start, to: address)
  }

  /// Whether code runs on from an address to another one.
  private mutating func runsOn(from start: UInt64, to address: UInt64) -> Bool {
    guard file.machine == ELFFile.Machine.x86, address - start <= Self.maximumCode,
      let code = code(at: start, size: Int(address - start) + MachineInstruction.maximumLength)
    else { return false }
    budget -= code.count
    return FunctionCode(code).contains(Int(address - start))
  }

  private func code(at start: UInt64, size: Int) -> [UInt8]? {
    guard size <= budget,
      let load = file.loads.first(where: {
        $0.isExecutable && start >= $0.virtualAddress && start - $0.virtualAddress < $0.fileSize
      })
    else { return nil }
    let inside = start - load.virtualAddress
    return try? file.source.prefix(
      at: load.fileOffset &+ inside, limit: Int(min(UInt64(size), load.fileSize - inside)))
  }
}

/// The instructions of a function whose end nothing tells.
///
/// It ends at an instruction that always leaves, unless a short jump led over that. What else may begin another function
/// ends it too: padding, and a place that is made to be jumped to. So it rather ends too early.
struct FunctionCode {
  private let bytes: [UInt8]

  /// - Parameter bytes: from the start of the function.
  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Whether an offset is one of the function's.
  func contains(_ wanted: Int) -> Bool {
    var position = 0
    /// The farthest that a short jump led.
    var farthest = 0
    while position <= wanted {
      guard let instruction = MachineInstruction(bytes, at: position) else { return false }
      let isEntry = instruction.flow == .landing && position > 0
      if isEntry { return false }
      position += instruction.length
      switch instruction.flow {
      case .on, .landing: break
      case .branch(let distance): farthest = max(farthest, position + Int(distance))
      case .call:
        // What was called may never return.
        if position <= wanted, isPadding(at: position) { return false }
      case .shortJump, .end:
        if case .shortJump(let distance) = instruction.flow { farthest = max(farthest, position + Int(distance)) }
        if position <= wanted, farthest < position || isPadding(at: position) { return false }
      }
    }
    return true
  }

  /// Whether bytes are `int3` or `nop`, which linkers and assemblers put between functions.
  private func isPadding(at offset: Int) -> Bool {
    let rest = bytes[offset...].drop { $0 == 0x66 || $0 == 0x2E }
    guard let first = rest.first else { return false }
    return first == 0xCC || first == 0x90 || rest.starts(with: [0x0F, 0x1F])
  }
}
