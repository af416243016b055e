import Capture
import LinuxSystem
import Storage

/// Why something failed, as a sentence for the user.
package enum FailureSentence {
  package static func of(_ error: any Error) -> String {
    switch error {
    case let error as CaptureError: error.description
    case let error as StoreError: error.description
    case let error as CommandError: error.description
    case let error as TaskRemoved: error.description
    case let error as UnbalancedAccount: error.description
    case let error as Errno: "the system refused: \(error)"
    default: "unexpected: \(error)"
    }
  }
}
