/// Which CPUs are online, and which came since the last look.
package struct OnlineCPUs {
  private let path: String
  private var known: Set<Int32>

  /// - Parameter path: of a list as sysfs has it.
  package init(path: String = Host.onlineCPUPath) throws(Errno) {
    self.path = path
    known = Set(try Self.read(path))
  }

  /// The CPUs that were online at the last look, in order.
  package var all: [Int32] { known.sorted() }

  /// The CPUs that came online since the last look, in order; one that left and came back is among them.
  package mutating func newcomers() throws(Errno) -> [Int32] {
    let now = Set(try Self.read(path))
    defer { known = now }
    return now.subtracting(known).sorted()
  }

  private static func read(_ path: String) throws(Errno) -> [Int32] {
    Host.parseCPUList(try OpenFile.text(of: path))
  }
}
