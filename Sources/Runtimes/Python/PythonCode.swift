import CProbes
import ELF

/// A code object: a function, a class body, a module or a comprehension.
package struct PythonCode: Equatable, Sendable {
  /// With its classes and enclosing functions, such as `Shop.price` or `main.<locals>.<lambda>`; before 3.11 the same as
  /// `name`.
  package let qualifiedName: String
  package let name: String
  package let fileName: String
  package let firstLine: Int
  let lines: PythonLineTable?

  /// Whether lines can be told of it.
  package var hasLines: Bool { lines != nil }

  /// What it takes of memory, about.
  package var sizeBytes: Int {
    128 + qualifiedName.utf8.count + name.utf8.count + fileName.utf8.count + (lines?.sizeBytes ?? 0)
  }

  package enum Reading: Equatable {
    case code(PythonCode)
    /// There is another object at its address, or it is another code object.
    case gone
    /// Its memory, or that of its names, could not be read.
    case unreadable
  }

  /// Reads a code object.
  ///
  /// - Parameter cookie: what the kernel has recorded of it, `SWPROF_PYTHON_COOKIE`.
  package static func read(
    at address: UInt64, cookie: UInt32, of runtime: PythonRuntime, in memory: some TargetMemory
  ) -> Reading {
    let layout = runtime.layout
    func isThere() -> Reading? {
      guard let head = memory.bytes(at: address, count: Int(layout.code_size)) else { return .unreadable }
      let isSame =
        head.integer(at: Int(layout.code_object_type), as: UInt64.self) == layout.code_type
        && Self.cookie(head, layout) == cookie
      return isSame ? nil : .gone
    }

    if let failure = isThere() { return failure }
    let code = PythonCode(at: address, runtime.offsets, in: memory)
    // It may have been freed meanwhile, and its strings with it.
    if let failure = isThere() { return failure }
    return code.map { .code($0) } ?? .unreadable
  }

  /// Reads what the kernel has copied of a code object; nil where its name or file is missing.
  ///
  /// - Parameters:
  ///   - cookie: as `read`; it is that of the head that was copied.
  ///   - copy: memory that has nothing but the code object, its strings and its line table, or parts of them.
  package init?(copyOf address: UInt64, cookie: UInt32, of runtime: PythonRuntime, in copy: some TargetMemory) {
    guard let head = copy.bytes(at: address, count: Int(runtime.layout.code_size)),
      Self.cookie(head, runtime.layout) == cookie
    else { return nil }
    self.init(at: address, runtime.offsets, in: copy)
  }

  private init?(at address: UInt64, _ offsets: PythonOffsets, in memory: some TargetMemory) {
    func text(_ offset: Int) -> String? {
      memory.value(at: address &+ UInt64(offset)).flatMap { PythonText.read(at: $0, offsets, in: memory) }
    }

    let name = text(offsets.name)
    let qualifiedName = offsets.qualifiedName.flatMap(text)
    guard let known = qualifiedName ?? name, let fileName = text(offsets.fileName) else { return nil }
    let firstLine: Int32 = memory.value(at: address &+ UInt64(offsets.kernel.code_first_line)) ?? 0
    self.init(
      qualifiedName: known, name: name ?? known, fileName: fileName, firstLine: Int(firstLine),
      lines: Self.lineTable(ofCode: address, offsets, firstLine: Int(firstLine), in: memory))
  }

  init(qualifiedName: String, name: String, fileName: String, firstLine: Int, lines: PythonLineTable?) {
    self.qualifiedName = qualifiedName
    self.name = name
    self.fileName = fileName
    self.firstLine = firstLine
    self.lines = lines
  }

  /// The line that a unit of 2 bytes of the bytecode is of; nil where it has none, or its table is damaged.
  package func line(atUnit unit: UInt32) -> Int? {
    guard unit != SWPROF_PYTHON_UNIT_NONE else { return lines?.hasOneBytecode == false ? nil : firstLine }
    // No bytecode is as long; twice the number must fit as well.
    guard unit < 1 << 30, let line = lines?.line(atUnit: Int(unit)), line > 0 else { return nil }
    return line
  }

  /// `SWPROF_PYTHON_COOKIE` of the head of a code object.
  static func cookie(_ head: [UInt8], _ layout: swprof_python) -> UInt32 {
    let arguments: UInt32 = head.integer(at: Int(layout.code_argument_count))
    let keywords: UInt32 = head.integer(at: Int(layout.code_keyword_count))
    let flags: UInt32 = head.integer(at: Int(layout.code_flags))
    return arguments << 25 ^ keywords << 18 ^ flags << 10 ^ head.integer(at: Int(layout.code_first_line))
  }

  private static func lineTable(
    ofCode address: UInt64, _ offsets: PythonOffsets, firstLine: Int, in memory: some TargetMemory
  ) -> PythonLineTable? {
    guard let table: UInt64 = memory.value(at: address &+ UInt64(offsets.lineTable)),
      let size: Int64 = memory.value(at: table &+ UInt64(offsets.bytesSize)),
      (0...Int64(PythonLineTable.maximumSize)).contains(size),
      let bytes = memory.bytes(at: table &+ UInt64(offsets.bytesData), count: Int(size))
    else { return nil }
    let hasOneBytecode = offsets.minor < 14 || offsets.kernel.is_free_threaded == 0
    return PythonLineTable(
      bytes, format: offsets.lineFormat, firstLine: firstLine, hasOneBytecode: hasOneBytecode)
  }
}
