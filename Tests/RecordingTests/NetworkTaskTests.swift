import Capture
import ProfileModel
import Recording
import Testing

/// What of paths and messages a network task keeps.
@Suite struct NetworkTaskTests {
  private static let path = "/users/123;jsessionid=hunTer9Zq/cart%3Ftoken=hunTer9Zq"

  @Test func `paths are listed and kept without secrets`() {
    let shown = "/users/123;jsessionid=[redacted]/cart%3Ftoken=[redacted]"
    let options = NetworkTask.options(NetworkOptions())

    #expect(options.shownPath(Self.path) == shown)
    #expect(options.sampledPath(Self.path) == shown)
  }

  @Test func `identifiers are folded where paths are listed`() {
    let options = NetworkTask.options(NetworkOptions(foldsIdentifiers: true))

    #expect(options.shownPath("/users/123") == "/users/{id}")
    #expect(options.shownPath("/sessions/9f8e7d6c-5b4a-3928-1706-0f1e2d3c4b5a") == "/sessions/{id}")
    #expect(options.sampledPath("/users/123") == "/users/123")
  }

  @Test func `without content, paths end before their first parameter`() {
    let options = NetworkTask.options(NetworkOptions(foldsIdentifiers: true, keepsContent: false))

    #expect(options.shownPath(Self.path) == "/users/{id}")
    #expect(options.sampledPath(Self.path) == "/users/123")
  }

  @Test func `whether a path is asked for is judged by all of it`() {
    let options = NetworkTask.options(NetworkOptions(uris: ["token"], keepsContent: false))

    #expect(options.isListed(Self.path))
    #expect(!options.isListed("/users/123"))
  }

  @Test func `messages are kept without secrets`() {
    let options = NetworkTask.options(NetworkOptions(bodyBytes: 4096))
    let message = "GET / HTTP/1.1\r\nX-Pin: hunTer9Zq\r\n\r\nGET / HTTP/1.1\r\nX: hunTer9Zq\r\n\r\n"

    #expect(options.shownMessage(Array(message.utf8)) == "GET / HTTP/1.1\nX-Pin: [redacted]\n\n")
  }
}
