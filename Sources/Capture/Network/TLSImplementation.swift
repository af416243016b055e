import ELF
import LinuxSystem
import ProfileModel

/// The TLS implementation of a process, by its files.
enum TLSImplementation: CaseIterable, Hashable {
  /// OpenSSL's shared library, or one with its interface. swprof reads its plain text.
  case openSSL
  case staticOpenSSL
  case boringSSL
  case gnuTLS
  case nss
  case mbedTLS
  case wolfSSL
  case go
  case rustls
  case java

  /// Why its plain text is not read.
  var reason: String {
    switch self {
    case .openSSL:
      "their handshake failed, or its OpenSSL library is called by other functions than SSL_read and SSL_write"
    case .staticOpenSSL: "OpenSSL is linked into the program, and only its shared library is read"
    case .boringSSL: "BoringSSL is linked into the program, and only OpenSSL's shared library is read"
    case .gnuTLS: "GnuTLS encrypts, and only OpenSSL is read"
    case .nss: "NSS encrypts, and only OpenSSL is read"
    case .mbedTLS: "Mbed TLS encrypts, and only OpenSSL is read"
    case .wolfSSL: "wolfSSL encrypts, and only OpenSSL is read"
    case .go: "Go's crypto/tls encrypts, and only OpenSSL is read"
    case .rustls: "rustls encrypts, and only OpenSSL is read"
    case .java: "Java encrypts (JSSE), and only OpenSSL is read"
    }
  }

  /// Implementations by prefixes of library names.
  private static let libraries: [(String, TLSImplementation)] = [
    ("libssl.so", .openSSL), ("libssl-", .openSSL), ("libgnutls", .gnuTLS), ("libssl3.so", .nss), ("libnss3", .nss),
    ("libmbedtls", .mbedTLS), ("libwolfssl", .wolfSSL), ("libjvm.so", .java),
  ]

  /// The implementation of a library, by its path.
  init?(library path: String) {
    let name = path.lastPathComponent
    guard let known = Self.libraries.first(where: { name.beginsWithBytes(of: $0.0) }) else { return nil }
    self = known.1
  }

  /// Texts that identify a linked implementation: names of source files in its messages.
  private static let texts: [(String, TLSImplementation)] = [
    ("BoringSSL", .boringSSL), ("ssl/ssl_lib.c", .staticOpenSSL), ("rustls", .rustls), ("gnutls_handshake", .gnuTLS),
    ("mbedtls_ssl", .mbedTLS),
  ]
  private static let chunkSize = 4 << 20
  private static let longestText = 32

  /// The implementations that are linked into a program. Searching its constants takes some 10 ms for 100 MB.
  ///
  /// - Parameter budget: the bytes that may be searched; decreases by those that were.
  static func linked(into program: OpenFile, budget: inout Int) -> Set<TLSImplementation> {
    guard let source = try? ByteSource(program), let elf = try? ELFFile(source), elf.isX86With64Bits,
      let sections = try? elf.sections(), let named = try? elf.sectionsByName(sections)
    else { return [] }
    if named[".go.buildinfo"] != nil || named[".note.go.buildid"] != nil { return [.go] }
    guard let constants = named[".rodata"] else { return [] }
    var found: Set<TLSImplementation> = []
    let end = constants.fileOffset &+ min(constants.size, UInt64(Int32.max))
    var offset = constants.fileOffset
    while offset < end, budget > 0 {
      let size = Int(min(end - offset, UInt64(chunkSize + longestText)))
      guard let bytes = try? source.prefix(at: offset, limit: size), !bytes.isEmpty else { break }
      for (text, implementation) in texts where !found.contains(implementation) {
        if bytes.contains(bytes: Array(text.utf8)) { found.insert(implementation) }
      }
      offset += UInt64(chunkSize)
      budget -= chunkSize
    }
    // BoringSSL is a fork of OpenSSL, and has its file names.
    if found.contains(.boringSSL) { found.remove(.staticOpenSSL) }
    return found
  }
}
