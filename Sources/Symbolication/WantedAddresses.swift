/// The addresses that names are looked for, in order and each once.
///
/// A capture asks for a few hundred addresses of a table of up to millions of symbols. So the tables are streamed past
/// the addresses, and memory grows with what is asked, not with what there is.
struct WantedAddresses {
  let sorted: [UInt64]

  init(_ addresses: [UInt64]) {
    var sorted: [UInt64] = []
    sorted.reserveCapacity(addresses.count)
    for address in addresses.sorted() where address != sorted.last { sorted.append(address) }
    self.sorted = sorted
  }

  var count: Int { sorted.count }

  /// The index of the first wanted address that is not below `address`.
  func firstIndex(notBelow address: UInt64) -> Int {
    var low = 0
    var high = sorted.count
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < address { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// Which of several names of one address is shown.
enum NamePreference {
  /// Fewer leading underscores, then fewer characters, then the order of the bytes: `malloc` over `__libc_malloc`.
  static func isBetter(_ name: String, than other: String) -> Bool {
    let left = key(name)
    let right = key(other)
    return left == right ? name < other : left < right
  }

  /// A mangled name (`_Z`, `_R`) starts with an underscore that says nothing.
  private static func key(_ name: String) -> (Int, Int) {
    let isMangled = name.hasPrefix("_Z") || name.hasPrefix("_R")
    return (isMangled ? 0 : name.utf8.prefix { $0 == UInt8(ascii: "_") }.count, name.utf8.count)
  }
}
