import Foundation
import ProfileModel
import Rendering
import Testing

@Suite struct SpeedscopeSchemaTests {
  private static let program = """
    import json, sys
    import jsonschema
    with open(sys.argv[1]) as schema, open(sys.argv[2]) as document:
        jsonschema.Draft7Validator(json.load(schema)).validate(json.load(document))
    """

  @Test(arguments: [WeightMeasure.count, .microseconds])
  func `the format's schema holds, hostile names included`(measure: WeightMeasure) throws {
    try validate(Speedscope.render(Sample.profile, name: "</script>\u{1}\u{202E}", measure: measure))
    try validate(Speedscope.render(Sample.waits, name: "", measure: measure))
    try validate(Speedscope.render(Profile(), name: "empty", measure: measure))
  }

  private func validate(_ text: String) throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "swprof-\(UUID()).json")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(text.utf8).write(to: file)
    let schema = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "Fixtures/speedscope-schema.json")
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", Self.program, schema.path, file.path]
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(complaints)")
  }
}
