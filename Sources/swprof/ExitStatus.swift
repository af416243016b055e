/// The exit codes of sysexits.h that swprof uses.
enum ExitStatus: Int32 {
  case usage = 64
  case malformedData = 65
  case noInput = 66
  case unavailable = 69
  case internalError = 70
  case cannotCreate = 73
  case inputOutput = 74
  case notPermitted = 77
}
