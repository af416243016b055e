/// The exit codes of sysexits.h that swprof uses.
///
/// `check` has two more: 1 for a regression, 2 for an inconclusive result where that fails.
enum ExitStatus: Int32 {
  case regression = 1
  case inconclusive = 2
  case usage = 64
  case malformedData = 65
  case noInput = 66
  case unavailable = 69
  case internalError = 70
  case cannotCreate = 73
  case inputOutput = 74
  case notPermitted = 77
}
