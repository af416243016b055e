import LinuxSystem
import ProfileModel
import Testing

@testable import Storage

@Suite struct StoreErrorTests {
  @Test(
    arguments: [
      (5, StoreError.Kind.inputOutput, "in use"), (8, .notPermitted, "read-only"), (11, .malformed, "damaged"),
      (13, .inputOutput, "disk full"), (4874, .inputOutput, "disk full"), (26, .malformed, "not a database"),
      (10, .inputOutput, "disk I/O error"),
    ] as [(Int32, StoreError.Kind, String)])
  func `a result code of SQLite has its kind and a sentence with the path`(
    code: Int32, kind: StoreError.Kind, words: String
  ) {
    let error = StoreError(code: code, message: "disk I/O error", path: "/x/swprof.db")
    #expect(error.kind == kind)
    #expect(error.description.contains(words))
    #expect(error.description.contains("'/x/swprof.db'"))
  }

  @Test func `a refusal of the system is told from other failures to create`() {
    #expect(StoreError.cannotCreate(path: "/x", cause: .accessDenied).kind == .notPermitted)
    #expect(StoreError.cannotCreate(path: "/x", cause: .noSpace).kind == .cannotCreate)
    #expect(StoreError.cannotOpen(path: "/x", cause: .notPermitted).kind == .notPermitted)
  }

  @Test func `a sentence is one line without a final period`() {
    let errors: [StoreError] = [
      .noDatabase(path: "x"), .noSuchTasks([.init(rawValue: 1), .init(rawValue: 2)]), .noProfile(.init(rawValue: 3)),
      .newer(path: "x", version: 2, known: 1), .foreign(path: "x"), .notADatabase(path: "x"), .damaged(path: "x"),
      .malformedTask(.init(rawValue: 1), detail: "y"), .cannotCreate(path: "x", cause: .noSpace), .busy(path: "x"),
      .cannotOpen(path: "x", cause: .noSpace), .notWritable(path: "x"), .directoryNotWritable(path: "x"),
      .diskFull(path: "x"),
      .database(path: "x", message: "y"), .unknownOwner(path: "x", cause: .noSuchFile),
    ]
    for error in errors {
      #expect(!error.description.contains("\n"))
      #expect(!error.description.hasSuffix("."))
    }
    #expect(StoreError.noSuchTasks([.init(rawValue: 1), .init(rawValue: 2)]).description.contains("1, 2"))
  }
}
