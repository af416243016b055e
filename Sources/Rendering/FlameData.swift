import Compression

/// A call tree as bytes, from which the script of a flame graph draws what is zoomed into.
///
/// `labels` and `nodes` are compressed together (RFC 1951) and written in base64 (RFC 4648). All numbers are varints:
/// seven bits a byte, the lowest first; all but the last byte have the top bit.
///
///     data   = count of bytes of the labels, labels, node*     until the end
///     labels = (class 00 name 00 module 00 place 0A)*          UTF-8; the last three may be empty
///     node   = rise gap total own code                         depth first, in the order of a call tree
///     rise   = depth of the node before + 1 - depth            0 for the first callee of the node before
///     gap    = start - the end of the sibling before, or the start of the caller for its first callee
///     code   = 2 x index into the labels, which are in the order in which they first come, and 1 for a node that the
///              still picture has, which are its elements in their order
struct FlameData {
  private(set) var text = ""
  let nodeCount: Int

  /// - Parameters:
  ///   - tree: all that may be drawn.
  ///   - place: where a label's code lies, as a tooltip tells it: `main.c:12`.
  ///   - cut: the least weight that is in the still picture.
  init(_ tree: CallTree, cut: UInt64, place: (FrameLabel) -> String?) {
    nodeCount = tree.nodes.count
    var labels: [UInt8] = []
    var numbers: [Int32: UInt64] = [:]
    var nodes: [UInt8] = []
    // The open node of each depth: where its next callee is expected to begin.
    var open: [(node: Int32, next: UInt64)] = []
    for (index, node) in tree.nodes.enumerated() {
      let before = open.count
      while let last = open.last, last.node != node.parent { open.removeLast() }
      Self.append(UInt64(before - open.count), to: &nodes)
      let start = tree.measure.shown(node.start)
      let total = tree.total(of: index)
      Self.append(start - min(start, open.last?.next ?? 0), to: &nodes)
      Self.append(total, to: &nodes)
      Self.append(tree.own(of: index), to: &nodes)
      let number = numbers[node.label] ?? UInt64(numbers.count)
      if numbers.updateValue(number, forKey: node.label) == nil {
        let label = tree.label(of: index)
        let fields = [FlameColor.styleClass(of: label), label.name, label.module ?? "", place(label) ?? ""]
        labels += Array(fields.map { DisplayText.visible($0) }.joined(separator: "\u{0}").utf8) + [0x0A]
      }
      Self.append(number << 1 | (node.total >= cut ? 1 : 0), to: &nodes)
      if !open.isEmpty { open[open.count - 1].next = start + total }
      open.append((Int32(index), start))
    }
    var data: [UInt8] = []
    Self.append(UInt64(labels.count), to: &data)
    text = Base64.encode(Deflate.compress(data + labels + nodes))
  }

  private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }
}

/// The text form of bytes of RFC 4648, section 4.
enum Base64 {
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      var group = UInt32(0)
      for index in 0..<3 { group = group << 8 | (index < count ? UInt32(bytes[start + index]) : 0) }
      for index in 0..<4 {
        text.append(
          index <= count ? digits[Int(group >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
