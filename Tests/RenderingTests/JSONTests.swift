import Foundation
import ProfileModel
import Testing

@testable import Rendering

@Suite struct JSONTests {
  @Test func `the sample profile is written as in the golden file`() throws {
    try expectGolden(ProfileJSON.render(Sample.task, Sample.profile), "profile.json")
  }

  @Test func `a task is written as in the golden file`() throws {
    try expectGolden(TaskJSON.render(Sample.stored), "task.json")
  }

  @Test func `tasks are an array, also when there are none`() throws {
    for (tasks, ids) in [([], []), ([Sample.task, Sample.stored], [12, 3])] {
      let document = try #require(try parsed(TaskJSON.render(tasks)) as? [String: Any])
      #expect(document["schema"] as? String == "swprof.tasks")
      #expect((document["tasks"] as? [[String: Any]])?.map { $0["id"] as? Int } == ids)
    }
  }

  @Test func `each of several lines is a document of the same content`() throws {
    var triggered = Sample.task
    triggered.trigger = "{\n  \"rule\": \"a\\nb\"\r\n}"
    let tasks = [Sample.task, Sample.stored, triggered]
    let lines = TaskJSON.renderLines(tasks).split(separator: "\n").map(String.init)
    #expect(lines.count == 3)
    for (line, task) in zip(lines, tasks) {
      let object = try #require(try parsed(line) as? NSDictionary)
      #expect(object["schema"] as? String == "swprof.task")
      let whole = try #require(try parsed(TaskJSON.render(task)) as? NSDictionary)
      #expect(object == whole)
    }
    #expect(TaskJSON.renderLines([]).isEmpty)
  }

  @Test func `stacks and values can be read back`() throws {
    let object = try #require(try parsed(ProfileJSON.render(Sample.task, Sample.profile)) as? [String: Any])
    let stacks = try #require(object["stacks"] as? [String: [Int32]])
    let parents = try #require(stacks["parent"])
    let frames = try #require(stacks["frame"])
    let nodes = zip(parents, frames).map { StackTree.Node(parent: $0, frame: $1) }
    #expect(StackTree(nodes: nodes) == Sample.profile.stacks)
    let values = try #require(object["values"] as? [String: [Int]])
    #expect(values["count"]?.reduce(0, +) == 1000)
    #expect(values["time_ns"]?.count == values["stack"]?.count)
    #expect((object["frames"] as? [[String: Any]])?[6]["function"] as? String == Sample.profile.frames[6].function)
  }

  @Test func `any name comes back as it was`() throws {
    let scalars = (0...0xFFFF).compactMap(Unicode.Scalar.init)
    let name = String(String.UnicodeScalarView(scalars))
    var task = Sample.task
    task.target = name
    let object = try #require(try parsed(TaskJSON.render(task)) as? [String: Any])
    let read = try #require(object["target"] as? String)
    #expect(read.unicodeScalars.elementsEqual(name.unicodeScalars))
    #expect(!TaskJSON.render(task).unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control })
  }

  @Test func `a trigger is an object when it is JSON and a string when it is not`() throws {
    var task = Sample.task
    var object = try #require(try parsed(TaskJSON.render(task)) as? [String: Any])
    #expect((object["trigger"] as? [String: Any])?["rule"] as? String == "cpu > 80 %")
    task.trigger = "{\"broken\": "
    object = try #require(try parsed(TaskJSON.render(task)) as? [String: Any])
    #expect(object["trigger"] as? String == "{\"broken\": ")
  }

  @Test func `a task that was not stored has no id`() throws {
    var task = Sample.task
    task.id = TaskID(rawValue: 0)
    let object = try #require(try parsed(TaskJSON.render(task)) as? [String: Any])
    #expect(object["id"] is NSNull)
  }

  @Test(arguments: [
    "{}", "[]", "null", " [1, -0.5e+3, \"\\u00e9\\n\", {\"a\": [true, false]}] ", "0", "\"\"", "1e5", "-0",
  ])
  func `documents are recognized`(text: String) {
    #expect(JSONSyntax.isValid(text))
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\"}", "{a: 1}", "01", "1.", ".5", "+1", "\"\n\"", "\"\\x\"", "\"\\u12g4\"", "nul", "[] []",
    "\"open", "1e", "--1", "\"\\u12", "-", String(repeating: "[", count: 100_000),
  ])
  func `what is no document is refused`(text: String) {
    #expect(!JSONSyntax.isValid(text))
  }

  private func parsed(_ text: String) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
  }
}
