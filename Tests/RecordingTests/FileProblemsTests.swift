import Testing

@testable import Recording

struct FileProblemsTests {
  private func sentences(_ warnings: [(String, String?)]) -> [String] {
    var problems = FileProblems()
    for (warning, path) in warnings { problems.add(warning, path: path) }
    return problems.sentences
  }

  @Test func `files with the same problem share a sentence`() {
    #expect(
      sentences([("/a: stripped", "/a"), ("/b: damaged", "/b"), ("/c: stripped", "/c")])
        == ["/a, /c: stripped", "/b: damaged"])
  }

  @Test func `three files are named, and the others counted`() {
    #expect(sentences((1...10).map { ("/\($0): stripped", "/\($0)") }) == ["/1, /2, /3 and 7 more: stripped"])
    #expect(sentences((1...3).map { ("/\($0): stripped", "/\($0)") }) == ["/1, /2, /3: stripped"])
  }

  @Test func `a file is named once`() {
    #expect(sentences([("/a: stripped", "/a"), ("/a: stripped", "/a")]) == ["/a: stripped"])
  }

  @Test func `what is about no file stays as it is`() {
    #expect(
      sentences([("no names", nil), ("process 7: odd", "/a"), ("no names", nil)])
        == ["no names", "process 7: odd", "no names"])
  }
}
