package import Glibc
import ProfileModel

/// Where the perf-map of a process is, or will be once its runtime writes one.
///
/// The directory is held open, so that a map is found that was written when the process ended.
package struct PerfMapPlace: Sendable {
  /// The process's `/tmp`, in its own file system.
  package let directory: OpenFile
  package let name: String
  /// Whose file it must be: the process's user's, or that of who is root to the process.
  package let owners: Set<uid_t>
  /// The map as it was found first; a runtime may remove or replace it.
  package let file: OpenFile?
  /// What made the code that the map names.
  package var maker = CodeMaker.unknown

  package init(directory: OpenFile, name: String, owners: Set<uid_t>, file: OpenFile?) {
    self.directory = directory
    self.name = name
    self.owners = owners
    self.file = file
  }
}

/// A runtime that makes code while it runs.
package enum CodeMaker: Sendable, CaseIterable {
  case java
  case dotnet
  case erlang
  case node
  case php
  case ruby
  case python
  case unknown

  /// Judges by the files that a process runs code of.
  package init(paths: some Sequence<String>) {
    var found = CodeMaker.unknown
    for path in paths {
      let name = path.lastPathComponent
      // Libraries that only a runtime has come before programs that can be renamed.
      let maker: CodeMaker? =
        switch name {
        case "libjvm.so": .java
        case "libcoreclr.so": .dotnet
        case "beam.smp": .erlang
        case "node", "nodejs": .node
        case "opcache.so", "php": .php
        case "ruby": .ruby
        case _ where name.beginsWithBytes(of: "libnode.so"): .node
        case _ where name.beginsWithBytes(of: "php"): .php
        case _ where name.beginsWithBytes(of: "libruby"): .ruby
        case _ where name.beginsWithBytes(of: "python3") || name.beginsWithBytes(of: "libpython3"): .python
        default: nil
        }
      guard let maker, let order = Self.allCases.firstIndex(of: maker),
        let before = Self.allCases.firstIndex(of: found), order < before
      else { continue }
      found = maker
    }
    self = found
  }

  /// How a process is made to write a perf-map, as an order.
  package func advice(for process: Int32) -> String {
    switch self {
    case .java:
      "run 'jcmd \(process) Compiler.perfmap' before the capture ends, or start it with -XX:+DumpPerfMapAtExit (JDK 17"
        + " and later)"
    case .dotnet: "start it with DOTNET_PerfMapEnabled=1"
    case .erlang: "start it with +JPperf true"
    case .node: "start it with --perf-basic-prof"
    case .php: "start it with -d opcache.jit_debug=16"
    case .ruby: "start it with --yjit-perf"
    case .python: "start it with -X perf"
    case .unknown: "its runtime may have an option to write one"
    }
  }
}
