import ProfileModel
import Recording
import Testing

@Suite struct CaptureKindsTests {
  @Test(arguments: TaskKind.allCases)
  func `every kind of task has a capture`(kind: TaskKind) throws {
    #expect(try CaptureKinds.standard.row(kind).ringBufferBytes >= 1 << 20)
  }
}
