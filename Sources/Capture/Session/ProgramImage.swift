import BPF
import LinuxSystem
import Synchronization

/// A compiled BPF object as the build plugin embeds it; one static member for each `bpf/src/*.bpf.c`.
struct ProgramImage {
  let name: String
  private let base64: StaticString

  init(name: String, base64: StaticString) {
    self.name = name
    self.base64 = base64
  }

  /// Whether its programs are attached to no kernel type, and ask nothing of types but where members lie.
  private var looksAtMembersOnly: Bool { name == ProgramImage.oncpu.name }

  /// Reads the object file; nothing reaches the kernel yet.
  func open() throws(BPFError) -> BPFObject {
    let opened = Self.openedAhead.withLock { $0?.name == name ? $0.take() : nil }
    if let object = opened?.object() { return object }
    return try openNow()
  }

  private func openNow() throws(BPFError) -> BPFObject {
    try BPFObject.open(decoded(), name: name, looksAtMembersOnly: looksAtMembersOnly)
  }

  /// Begins to open the object in a thread of its own: the next `open` finds it ready.
  func openAhead() {
    let opening = OpenedAhead(self)
    Self.openedAhead.withLock { $0 = opening }
  }

  private static let openedAhead = Mutex<OpenedAhead?>(nil)

  /// An object that a thread opens.
  private final class OpenedAhead: Sendable {
    let name: String
    private let result = Mutex<BPFObject?>(nil)
    private let thread = Mutex<WorkerThread?>(nil)

    init(_ image: ProgramImage) {
      name = image.name
      thread.withLock {
        $0 = try? WorkerThread { [self] in
          result.withLock { $0 = try? image.openNow() }
        }
      }
    }

    /// Nil where it could not be opened: who opens it again is told why.
    func object() -> BPFObject? {
      thread.withLock { $0.take() }?.join()
      return result.withLock { $0.take() }
    }
  }

  /// The object file's bytes.
  private func decoded() -> [UInt8] {
    base64.withUTF8Buffer { text in
      var bytes: [UInt8] = []
      bytes.reserveCapacity(text.count / 4 * 3)
      var accumulator: UInt32 = 0
      var bits = 0
      unsafe text.forEach { character in
        guard let value = Self.value(of: character) else { return }
        accumulator = accumulator << 6 | value
        bits += 6
        if bits >= 8 {
          bits -= 8
          bytes.append(UInt8(truncatingIfNeeded: accumulator >> UInt32(bits)))
        }
      }
      return bytes
    }
  }

  private static func value(of character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a") + 26)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0") + 52)
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
