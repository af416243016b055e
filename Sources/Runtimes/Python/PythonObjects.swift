import ELF

/// Reads dicts, instances and ints of a CPython.
///
/// The offsets are those of Include/internal/pycore_dict.h, Include/cpython/object.h and Include/cpython/longintrepr.h, by
/// `offsetof` over the headers of each version from 3.8 to 3.15, with and without the global interpreter lock.
struct PythonObjects<Memory: TargetMemory> {
  let offsets: PythonOffsets
  let memory: Memory

  /// Addresses of objects.
  struct Entry: Hashable {
    let key: UInt64
    let value: UInt64
  }

  /// Of a larger dict nothing is read, nor of an instance with more attributes.
  private static var maximumEntries: Int64 { 8192 }
  private static var maximumAttributes: Int64 { 128 }
  private static var maximumInstance: Int64 { 4096 }

  private var head: UInt64 { UInt64(offsets.objectHeader) }

  private func word(_ address: UInt64) -> UInt64 { memory.value(at: address) ?? 0 }

  /// The type of an object; 0 where it cannot be read.
  func type(of object: UInt64) -> UInt64 { word(object &+ head &- 8) }

  /// Whether an object is of a type with a certain name.
  func isInstance(_ object: UInt64, of name: String) -> Bool {
    let text: UInt64 = word(type(of: object) &+ head &+ 8)
    return memory.bytes(at: text, count: name.utf8.count + 1) == Array(name.utf8) + [0]
  }

  /// The dict with the global variables of a module; nil for another object.
  func variables(ofModule object: UInt64) -> [Entry]? {
    isInstance(object, of: "module") ? entries(ofDict: word(object &+ head)) : nil
  }

  /// The entries of a dict; nil for another object.
  func entries(ofDict object: UInt64) -> [Entry]? { entries(ofDict: object, limit: Self.maximumEntries) }

  private func entries(ofDict object: UInt64, limit: Int64) -> [Entry]? {
    guard isInstance(object, of: "dict"), let words = memory.bytes(at: object &+ head &+ 16, count: 16) else {
      return nil
    }
    return entries(keys: words.integer(at: 0), values: words.integer(at: 8), limit: limit)
  }

  /// The attributes of an instance of a class that Python code has defined; nil for another object.
  func attributes(of instance: UInt64) -> [Entry]? {
    let type = type(of: instance)
    guard let fields = memory.bytes(at: type &+ head, count: 280) else { return nil }
    let size: Int64 = fields.integer(at: 16)
    let flags: UInt64 = fields.integer(at: 152)
    let dictPlace: Int64 = fields.integer(at: 272)
    func inDict(_ dict: UInt64) -> [Entry]? { entries(ofDict: dict, limit: Self.maximumAttributes) }
    func inline(_ values: UInt64) -> [Entry]? {
      entries(keys: word(type &+ cachedKeys), values: values, limit: Self.maximumAttributes)
    }
    if offsets.minor <= 10 {
      return (1..<Self.maximumInstance).contains(dictPlace) ? inDict(word(instance &+ UInt64(dictPlace))) : nil
    }
    // Py_TPFLAGS_MANAGED_DICT: what leads to the attributes is in front of the instance.
    guard flags & 1 << 4 != 0 else { return nil }
    let place = instance &- (offsets.objectHeader == 32 ? 8 : 24)
    let dict = word(place)
    switch offsets.minor {
    case 11:
      let values = word(instance &- 32)
      return values == 0 ? inDict(dict) : inline(values)
    case 12:
      // The lowest bit tells an array of values from a dict.
      return dict & 1 == 0 ? inDict(dict) : inline(dict &+ 1)
    default:
      if dict != 0 { return inDict(dict) }
      // Py_TPFLAGS_INLINE_VALUES, and a byte that says that they are in use.
      guard flags & 1 << 2 != 0, (0..<Self.maximumInstance).contains(size),
        memory.value(at: instance &+ UInt64(size) &+ 3, as: UInt8.self) == 1
      else { return nil }
      return inline(instance &+ UInt64(size))
    }
  }

  /// `ht_cached_keys` of a class.
  private var cachedKeys: UInt64 {
    let place: UInt64 =
      switch offsets.minor {
      case ...11: 856
      case 12...14: 864
      default: 872
      }
    return place + head
  }

  /// - Parameter values: what has the values that are not beside their keys; 0 where they are.
  private func entries(keys: UInt64, values: UInt64, limit: Int64) -> [Entry]? {
    guard let table = memory.bytes(at: keys, count: 40), let (count, start, size) = layout(ofKeys: table),
      (0...limit).contains(count),
      let bytes = memory.bytes(at: keys &+ start, count: Int(count) * size)
    else { return nil }
    var apart: [UInt8] = []
    if values != 0 {
      // Since 3.13, some numbers come before the values.
      let start = values &+ (offsets.minor >= 13 ? 8 : 0)
      guard let read = memory.bytes(at: start, count: Int(count) * 8) else { return nil }
      apart = read
    }
    return (0..<Int(count)).compactMap { index in
      let end = (index + 1) * size
      let entry = Entry(
        key: bytes.integer(at: end - 16),
        value: values == 0 ? bytes.integer(at: end - 8) : apart.integer(at: 8 * index))
      return entry.key == 0 || entry.value == 0 ? nil : entry
    }
  }

  /// How many entries the keys of a dict are, where they begin, and the size of each. The key and the value are its last
  /// two words, mostly behind a hash.
  private func layout(ofKeys table: [UInt8]) -> (count: Int64, start: UInt64, size: Int)? {
    guard offsets.minor <= 10 else {
      guard table[9] < 32 else { return nil }
      return (table.integer(at: 24), 32 + 1 << UInt64(table[9]), table[10] == 0 ? 24 : 16)
    }
    let slots: Int64 = table.integer(at: 8)
    guard (1...1 << 20).contains(slots) else { return nil }
    let width: UInt64 = slots <= 0xFF ? 1 : slots <= 0xFFFF ? 2 : 4
    return (table.integer(at: 32), 40 + UInt64(slots) * width, 24)
  }

  /// The value of an int from 0 to 2^60; nil for another one.
  func integer(_ object: UInt64) -> UInt64? {
    guard let words = memory.bytes(at: object &+ head, count: 16) else { return nil }
    let tag: UInt64 = words.integer(at: 0)
    // Since 3.12, the sign is in the lowest two bits, and the number of digits of 30 bits begins at the fourth.
    let digits = offsets.minor >= 12 ? tag >> 3 : tag
    guard (1...2).contains(digits), offsets.minor < 12 || tag & 3 == 0 else { return nil }
    let low: UInt32 = words.integer(at: 8)
    let high: UInt32 = words.integer(at: 12)
    return UInt64(low) | (digits == 2 ? UInt64(high) << 30 : 0)
  }

  /// Whether an object is a string of certain ASCII characters.
  func isText(_ object: UInt64, _ text: String) -> Bool {
    let count = text.utf8.count
    let size = max(offsets.textASCII + count, offsets.textLength + 8)
    guard let bytes = memory.bytes(at: object, count: size) else { return false }
    return bytes.integer(at: offsets.textLength, as: UInt64.self) == UInt64(count)
      && bytes[offsets.textASCII...].prefix(count).elementsEqual(text.utf8)
  }
}
