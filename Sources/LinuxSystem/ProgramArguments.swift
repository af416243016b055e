import CLinux

/// The arguments that this program was started with.
package enum ProgramArguments {
  /// All but the name of the program, as the kernel passed them: `CommandLine.arguments` is empty where /proc is missing.
  package static var all: [String] {
    var result: [String] = []
    while let argument = unsafe swprof_argument(Int32(result.count + 1)) {
      result.append(unsafe String(cString: argument))
    }
    return result
  }
}
