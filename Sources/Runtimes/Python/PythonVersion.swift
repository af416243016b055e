/// A version of CPython.
package struct PythonVersion: Equatable, Sendable, CustomStringConvertible {
  package let major: Int
  package let minor: Int
  /// Nil where only a file's name tells the version.
  package let micro: Int?
  /// Whether it is an alpha or a beta, whose structures may still change.
  package let isPrerelease: Bool

  package init(major: Int, minor: Int, micro: Int? = nil, isPrerelease: Bool = false) {
    self.major = major
    self.minor = minor
    self.micro = micro
    self.isPrerelease = isPrerelease
  }

  /// Reads `PY_VERSION_HEX` (CPython, "API and ABI Versioning"): a byte each, then 4 bits of release level and of serial.
  package init(hexadecimal number: UInt32) {
    self.init(
      major: Int(number >> 24), minor: Int(number >> 16 & 0xFF), micro: Int(number >> 8 & 0xFF),
      isPrerelease: [0xA, 0xB].contains(number >> 4 & 0xF))
  }

  /// Reads the version in the name of a library or of an executable, such as `libpython3.10.so.1.0` or `python3.9`.
  package init?(inFileName path: String) {
    guard let name = path.split(separator: "/").last, let range = name.firstRange(of: "python3.") else { return nil }
    let digits = name[range.upperBound...].prefix { $0.isASCII && $0.isNumber }
    guard digits.count <= 3, let minor = Int(digits) else { return nil }
    self.init(major: 3, minor: minor)
  }

  /// Reads `PY_VERSION` of a release, such as `3.9.18`.
  init?(text: ArraySlice<UInt8>) {
    guard text.starts(with: "3.".utf8) else { return nil }
    let numbers = String(decoding: text, as: UTF8.self).split(separator: ".", omittingEmptySubsequences: false)
    guard numbers.count == 3, let minor = Int(numbers[1]), let micro = Int(numbers[2]) else { return nil }
    self.init(major: 3, minor: minor, micro: micro)
  }

  package var description: String {
    "\(major).\(minor)" + (micro.map { ".\($0)" } ?? "") + (isPrerelease ? " (a pre-release)" : "")
  }
}
