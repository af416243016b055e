@testable import Runtimes

/// The module `threading` of the made-up process, which has a name for its second thread.
extension FakePython {
  static let threadName = "worker"
  static let nativeID: UInt64 = 4711

  enum NamePlace {
    static let dictType = Place.names
    static let moduleType = Place.names + 0x40
    static let textType = Place.names + 0x80
    static let typeNames = Place.names + 0xC0
    static let modules = Place.names + 0x100
    static let module = Place.names + 0x140
    static let variables = Place.names + 0x180
    static let active = Place.names + 0x1C0
    /// Of four dicts.
    static let keys = Place.names + 0x200
    static let values = Place.names + 0x400
    static let instance = Place.names + 0x4C0
    static let texts = Place.names + 0x540
    static let pointer = Place.names + 0x740
    static let number = Place.names + 0x780
    /// The same as `pointer`, as the thread has it.
    static let ownPointer = Place.names + 0x7C0
    static let threadType = Place.names + 0x800
    static let attributes = Place.names + 0xC00
  }

  mutating func addNames() {
    for (place, name, text) in [
      (NamePlace.dictType, "dict", NamePlace.typeNames), (NamePlace.moduleType, "module", NamePlace.typeNames + 16),
    ] {
      put(address(text), place + 24)
      put(name, text)
    }
    addText("threading", 0)
    addText("_active", 1)
    addText("_name", 2)
    addText("_ident", 3)
    addText("_native_id", 4)
    addText(Self.threadName, 5)
    addInteger(threadPointers[1], at: NamePlace.pointer)
    addInteger(threadPointers[1], at: NamePlace.ownPointer)
    addInteger(Self.nativeID, at: NamePlace.number)
    put(address(NamePlace.modules), Place.interpreter + offsets.modules)
    addDict(NamePlace.modules, 0, [(text(0), address(NamePlace.module))])
    put(address(NamePlace.moduleType), NamePlace.module + 8)
    put(address(NamePlace.variables), NamePlace.module + 16)
    addDict(NamePlace.variables, 1, [(text(1), address(NamePlace.active))])
    addDict(NamePlace.active, 2, [(address(NamePlace.pointer), address(NamePlace.instance))], hasTexts: false)
    addThread()
    if let offset = offsets.nativeThread { put(Self.nativeID, Place.states + 0x200 + offset) }
  }

  private func text(_ number: Int) -> UInt64 { address(NamePlace.texts + 0x50 * number) }

  private mutating func addText(_ text: String, _ number: Int) {
    let object = NamePlace.texts + 0x50 * number
    put(address(NamePlace.textType), object + 8)
    put(Int64(text.utf8.count), object + offsets.textLength)
    put(UInt32(1 << 2 | 1 << 5 | 1 << 6), object + offsets.textState)
    put(text, object + offsets.textASCII)
  }

  /// An int of two digits of 30 bits, of which the higher may be 0.
  mutating func addInteger(_ value: UInt64, at object: Int) {
    put(UInt64(minor >= 12 ? 2 << 3 : 2), object + 16)
    put(UInt32(value & 0x3FFF_FFFF), object + 24)
    put(UInt32(value >> 30), object + 28)
  }

  private mutating func addDict(
    _ object: Int, _ number: Int, _ entries: [(key: UInt64, value: UInt64)], hasTexts: Bool = true
  ) {
    put(address(NamePlace.dictType), object + 8)
    put(address(NamePlace.keys + 0x80 * number), object + 32)
    addKeys(number, entries, kind: hasTexts ? 1 : 0)
  }

  private mutating func addKeys(_ number: Int, _ entries: [(key: UInt64, value: UInt64)], kind: UInt8) {
    let place = NamePlace.keys + 0x80 * number
    if minor <= 10 {
      put(UInt64(8), place + 8)
    } else {
      put(UInt8(3), place + 9)
      put(kind, place + 10)
    }
    put(UInt64(entries.count), place + (minor <= 10 ? 32 : 24))
    let size = minor <= 10 || kind == 0 ? 24 : 16
    for (index, entry) in entries.enumerated() {
      let end = place + (minor <= 10 ? 48 : 40) + (index + 1) * size
      put(entry.key, end - 16)
      put(entry.value, end - 8)
    }
  }

  private mutating func addThread() {
    let (instance, type) = (NamePlace.instance, NamePlace.threadType)
    let values = [text(5), address(NamePlace.ownPointer), address(NamePlace.number)]
    put(address(type), instance + 8)
    put(UInt64(32), type + 32)
    put(UInt64(1 << 4 | 1 << 2), type + 168)
    put(UInt64(16), type + 288)
    let entries = values.enumerated().map { (key: text(2 + $0.offset), value: minor <= 10 ? $0.element : 0) }
    if minor <= 10 {
      put(address(NamePlace.attributes), instance + 16)
      addDict(NamePlace.attributes, 3, entries)
      return
    }
    addKeys(3, entries, kind: 2)
    put(address(NamePlace.keys + 0x80 * 3), type + (minor == 11 ? 872 : 880))
    var place = NamePlace.values
    switch minor {
    case 11: put(address(place), instance - 32)
    case 12: put(address(place) - 1, instance - 24)
    default:
      put(UInt32(1 << 24), instance + 32)
      place = instance + 40
    }
    for (index, value) in values.enumerated() { put(value, place + 8 * index) }
  }
}
