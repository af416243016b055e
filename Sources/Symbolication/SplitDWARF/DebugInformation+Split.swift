import CElfutils
import ELF
import Glibc
import LinuxSystem

extension DebugInformation {
  private enum SkeletonAttribute {
    static let directory: UInt32 = 0x1B
    static let lowestAddress: UInt32 = 0x11
    static let name: UInt32 = 0x76
    static let addresses: UInt32 = 0x73
    /// What GCC and Clang wrote before DWARF 5.
    static let oldName: UInt32 = 0x2130
    static let oldIdentifier: UInt32 = 0x2131
    static let oldRanges: UInt32 = 0x2132
    static let oldAddresses: UInt32 = 0x2133
  }

  /// What a unit's first entry says of the file that holds the rest; nil for a unit that is not split.
  static func skeleton(_ unit: inout Dwarf_Die) -> SplitUnits.Skeleton? {
    guard
      let name = unsafe text(SkeletonAttribute.name, of: &unit) ?? text(SkeletonAttribute.oldName, of: &unit)
    else { return nil }
    var identifier: UInt64 = 0
    if let old = unsafe number(SkeletonAttribute.oldIdentifier, of: &unit) {
      identifier = old
    } else {
      unsafe _ = dwarf_cu_info(unit.cu, nil, nil, nil, nil, &identifier, nil, nil)
    }
    var base: UInt64 = 0
    if unsafe dwarf_lowpc(&unit, &base) != 0 { base = 0 }
    return SplitUnits.Skeleton(
      identifier: identifier, name: name, directory: unsafe text(SkeletonAttribute.directory, of: &unit) ?? "",
      addresses: unsafe number(SkeletonAttribute.addresses, of: &unit)
        ?? number(SkeletonAttribute.oldAddresses, of: &unit) ?? 0,
      ranges: unsafe number(SkeletonAttribute.oldRanges, of: &unit) ?? 0, base: base)
  }

  private static func text(_ name: UInt32, of die: inout Dwarf_Die) -> String? {
    var attribute = unsafe Dwarf_Attribute()
    guard let found = unsafe dwarf_attr(&die, name, &attribute), let text = unsafe dwarf_formstring(found) else {
      return nil
    }
    let length = unsafe strnlen(text, Int(PATH_MAX))
    return unsafe String(decoding: UnsafeRawBufferPointer(start: text, count: length), as: UTF8.self)
  }

  private static func number(_ name: UInt32, of die: inout Dwarf_Die) -> UInt64? {
    var attribute = unsafe Dwarf_Attribute()
    var value: UInt64 = 0
    guard let found = unsafe dwarf_attr(&die, name, &attribute), unsafe dwarf_formudata(found, &value) == 0 else {
      return nil
    }
    return value
  }
}

/// The debugging information of one split unit.
@safe final class SplitImage {
  private let file: OpenFile
  private let elf: OpaquePointer
  let dwarf: OpaquePointer

  init?(_ file: OpenFile) {
    guard elf_version(UInt32(EV_CURRENT)) != 0, let elf = unsafe elf_begin(file.descriptor, ELF_C_READ, nil) else {
      return nil
    }
    guard let dwarf = unsafe dwarf_begin_elf(elf, DWARF_C_READ, nil) else {
      unsafe _ = elf_end(elf)
      return nil
    }
    self.file = file
    unsafe self.elf = elf
    unsafe self.dwarf = dwarf
  }

  deinit {
    unsafe _ = dwarf_end(dwarf)
    unsafe _ = elf_end(elf)
  }

  /// The first entry of its unit.
  func unit(_ die: inout Dwarf_Die) -> Bool {
    var next: OpaquePointer?
    return unsafe dwarf_get_units(dwarf, nil, &next, nil, nil, &die, nil) == 0
  }
}
