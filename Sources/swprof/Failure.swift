import Capture
import Importing
import LinuxSystem
import Loading
import Recording
import Rendering
import Storage
import Watching

/// Why a command ends without its result: one line for the user, and an exit code.
struct Failure: Error {
  let sentence: String
  let status: Int32

  init(_ sentence: String, _ status: ExitStatus) {
    self.sentence = sentence
    self.status = status.rawValue
  }

  init(_ error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as CaptureError: self.init(error.description, ExitStatus(error))
    case let error as WatchError: self.init(error.description, ExitStatus(error))
    case let error as ImportError: self.init(error.description, ExitStatus(error))
    case let error as StoreError: self.init(error.description, ExitStatus(error))
    case let error as LoadingError: self.init(error.description, ExitStatus(error))
    case let error as CommandError: self.init(error.description, ExitStatus(error))
    case let error as OutputFileError: self.init(error.description, ExitStatus(error))
    case let error as UnsummableSides: self.init(error.description, .malformedData)
    case is TaskRemoved: self.init(FailureSentence.of(error), .noInput)
    case is UnbalancedAccount: self.init(FailureSentence.of(error), .internalError)
    case is Errno: self.init(FailureSentence.of(error), .inputOutput)
    default: self.init(FailureSentence.of(error), .internalError)
    }
  }
}

extension ExitStatus {
  init(_ error: CaptureError) {
    switch error {
    case .noSuchProcess, .isThread, .noProcess, .noSuchCgroup: self = .noInput
    case .notPermitted: self = .notPermitted
    case .missingFeature: self = .unavailable
    case .bpf(let failure): self = failure.cause == .notPermitted ? .notPermitted : .unavailable
    case .system(_, let cause):
      self = cause == .notPermitted || cause == .accessDenied ? .notPermitted : .unavailable
    }
  }
}

extension ExitStatus {
  init(_ error: WatchError) {
    switch error {
    case .unreadablePolicies: self = .noInput
    case .noProcessRecords: self = .unavailable
    }
  }
}

extension ExitStatus {
  init(_ error: StoreError) {
    switch error.kind {
    case .notFound: self = .noInput
    case .malformed, .newer: self = .malformedData
    case .cannotCreate: self = .cannotCreate
    case .inputOutput: self = .inputOutput
    case .notPermitted: self = .notPermitted
    }
  }
}

extension ExitStatus {
  init(_ error: LoadingError) {
    switch error.kind {
    case .notFound: self = .noInput
    case .notPermitted: self = .notPermitted
    case .malformed: self = .malformedData
    case .unsuitable: self = .usage
    }
  }
}

extension ExitStatus {
  init(_ error: CommandError) {
    switch error {
    case .cannotRun(_, .accessDenied): self = .notPermitted
    case .cannotRun: self = .noInput
    case .ended: self = .unavailable
    }
  }
}

extension ExitStatus {
  init(_ error: OutputFileError) {
    switch error {
    case .cannotCreate, .cannotOpen, .cannotReplace, .symbolicLink, .foreign, .device: self = .cannotCreate
    case .cannotWrite: self = .inputOutput
    }
  }
}

extension ExitStatus {
  init(_ error: ImportError) {
    switch error {
    case .unreadable: self = .inputOutput
    case .damaged, .noStacks, .tooLarge, .unfoldsTooFar, .otherFormat: self = .malformedData
    case .noSuchEvent: self = .usage
    }
  }
}
