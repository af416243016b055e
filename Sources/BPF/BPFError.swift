package import LinuxSystem

/// A BPF operation that the kernel or libbpf refused.
package struct BPFError: Error, Equatable, CustomStringConvertible {
  package enum Operation: Equatable, Sendable {
    case open(object: String)
    case find(name: String, object: String)
    case load(object: String)
    case attach(program: String)
    case create(map: String)
    case update(map: String)
    case read(map: String)
    case ringBuffer(map: String)
  }

  package let operation: Operation
  package let cause: Errno

  package init(operation: Operation, cause: Errno) {
    self.operation = operation
    self.cause = cause
  }

  package var description: String {
    switch operation {
    case .open(let object): "cannot open BPF object '\(object)': \(cause)"
    case .find(let name, let object): "BPF object '\(object)' has no '\(name)': \(cause)"
    case .load(let object): "the kernel does not load BPF object '\(object)': \(cause)"
    case .attach(let program): "cannot attach BPF program '\(program)': \(cause)"
    case .create(let map): "cannot make BPF map '\(map)': \(cause)"
    case .update(let map): "cannot write BPF map '\(map)': \(cause)"
    case .read(let map): "cannot read BPF map '\(map)': \(cause)"
    case .ringBuffer(let map): "cannot read BPF ring buffer '\(map)': \(cause)"
    }
  }
}

/// Turns libbpf's negative error numbers into errors.
func check(_ result: Int32, _ operation: @autoclosure () -> BPFError.Operation) throws(BPFError) {
  if result < 0 { throw BPFError(operation: operation(), cause: Errno(code: -result)) }
}
