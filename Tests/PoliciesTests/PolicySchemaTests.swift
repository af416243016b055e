import Foundation
import Testing

/// The schema for editors, against files that `PolicyFile` reads or refuses.
@Suite struct PolicySchemaTests {
  /// PyYAML comes with Debian's python3 only by other packages, so that the documents are passed as JSON.
  private static let program = """
    import json, sys
    import jsonschema
    with open(sys.argv[1]) as schema:
        validator = jsonschema.Draft7Validator(json.load(schema))
    validator.check_schema(validator.schema)
    for line in sys.stdin:
        print("good" if validator.is_valid(json.loads(line)) else "bad")
    """

  private static let good = [
    #"{"policies":[{"name":"a","match":{"comm":["a","b*"]},"task":{"type":"oncpu","freq":99},"rules":[{"metric":"process_cpu","threshold":80,"period":"10s","count":5,"normalize":"host"}]}]}"#,
    #"{"defaults":{"duration":"10m"},"lookback":"30s","max_db_size":"1G","policies":[{"name":"a","match":{"user":33},"task":{"type":"network"},"cooldown":"1h","rules":[{"metric":"http_error_rate","threshold":0.5,"period":"60s","count":5,"errors":"4xx+5xx","uri":{"list":["/a"]}}]}]}"#,
    #"{"policies":[{"name":"a","match":{"cgroup":"/a"},"task":{"type":"offcpu","min_block":0,"state":"D"},"rules":[{"metric":"process_cpu","threshold":1,"period":"10s","count":5,"below":true}]}]}"#,
    #"{"policies":[{"name":"a","match":{"comm":"a"},"task":{"type":"oncpu","user":true,"jitter":false},"rules":[{"metric":"process_cpu","threshold":1,"period":"10s","count":5}]}]}"#,
    #"{"policies":[{"name":"a","match":{"comm":"a"},"task":{"type":"offcpu","state":"D,S","kernel":true},"rules":[{"metric":"process_cpu","threshold":1,"period":"10s","count":5}]}]}"#,
    #"{"policies":[{"name":"a","match":{"comm":"a"},"task":{"type":"network","sample":"slow,5xx","body":4096,"samples":3,"include_children":false},"rules":[{"metric":"process_cpu","threshold":1,"period":"10s","count":5}]}]}"#,
    #"{"policies":[{"name":"a","match":{"comm":"a"},"task":{"type":"network","sample":["4xx","slow"],"body_bytes":1},"rules":[{"metric":"process_cpu","threshold":1,"period":"10s","count":5}]}]}"#,
  ]

  private static let bad = [
    #"{"policies":[{"name":"a","match":{"comm":"a"},"task":{"type":"network","sample":"slow,none"},"rules":[{"metric":"process_cpu","threshold":1,"period":"10s","count":5}]}]}"#,
    #"{"policies":[{"name":"a","match":{"comm":"a"},"task":{"type":"offcpu","state":"DX"},"rules":[{"metric":"process_cpu","threshold":1,"period":"10s","count":5}]}]}"#,
    #"{"policies":[{"name":"a","match":{"comm":"a"},"task":{"type":"network","user":true},"rules":[{"metric":"process_cpu","threshold":1,"period":"10s","count":5}]}]}"#,
    #"{}"#, #"{"policies":[]}"#,
    #"{"policies":[{"name":"a","match":{},"task":{"type":"oncpu"},"rules":[{"metric":"process_cpu","threshold":1,"period":"10s","count":5}]}]}"#,
    #"{"policies":[{"name":"a","match":{"comm":"a"},"task":{"type":"oncpu"},"rules":[]}]}"#,
    #"{"policies":[{"name":"a","match":{"comm":"a"},"task":{"type":"oncpu"},"rules":[{"metric":"process_cpu","threshold":0,"period":"10s","count":5}]}]}"#,
    #"{"policies":[{"name":"a","match":{"comm":"a"},"task":{"type":"oncpu"},"rules":[{"metric":"process_cpu","threshold":1,"period":"10","count":5}]}]}"#,
    #"{"policies":[{"name":"a","match":{"comm":"a"},"task":{"type":"oncpu","wakers":true},"rules":[{"metric":"process_cpu","threshold":1,"period":"10s","count":5}]}]}"#,
    #"{"policies":[{"name":"a","match":{"comm":"a"},"task":{"type":"oncpu"},"rules":[{"metric":"process_cpu","threshold":1,"period":"10s","count":5,"uri":{"regex":"a"}}]}]}"#,
    #"{"policies":[{"name":"a","match":{"comm":"a"},"task":{"type":"oncpu"},"rules":[{"metric":"process_rss","threshold":1,"period":"10s","count":5,"normalize":"host"}]}]}"#,
    #"{"policies":[{"name":"a","match":{"cgroup":"a"},"task":{"type":"oncpu"},"rules":[{"metric":"process_cpu","threshold":1,"period":"10s","count":5}]}]}"#,
  ]

  @Test func `the schema holds for what the reader reads, and for nothing that it refuses`() throws {
    #expect(try judge(Self.good) == Self.good.map { _ in "good" })
    #expect(try judge(Self.bad) == Self.bad.map { _ in "bad" })
    // JSON is YAML: the reader has to agree.
    for text in Self.good { #expect(Sample.problems(text) == []) }
    for text in Self.bad { #expect(Sample.problems(text) != []) }
  }

  private func judge(_ documents: [String]) throws -> [String] {
    let schema = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "../../scripts/policy.schema.json")
    let input = FileManager.default.temporaryDirectory.appending(path: "swprof-\(UUID()).json")
    defer { try? FileManager.default.removeItem(at: input) }
    try Data(documents.map { $0 + "\n" }.joined().utf8).write(to: input)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", Self.program, schema.path]
    process.standardInput = try FileHandle(forReadingFrom: input)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let lines = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "install python3-jsonschema")
    return lines.split(separator: "\n").map(String.init)
  }
}
