import Protocols
import Testing

struct PathFoldingTests {
  @Test(arguments: [
    ("/users/123/orders/550e8400-e29b-41d4-a716-446655440000", "/users/{id}/orders/{id}"),
    ("/blobs/DEADBEEF00112233/raw", "/blobs/{id}/raw"), ("/7", "/{id}"), ("/a/0/", "/a/{id}/"),
    ("/reset/dGhpcyBpcyBhIHRva2VuIDEyMzQ1", "/reset/{id}"), ("/s/eyJhbGciOi-JIUzI1NiIs_InR5cCI6", "/s/{id}"),
    ("/items/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/items/{id}"),
  ])
  func `an identifier gives way to a placeholder`(path: String, folded: String) {
    #expect(PathFolding.fold(path) == folded)
  }

  @Test(arguments: [
    "", "/", "//", "*", "/index.html", "/v1/users", "/api/v2.1", "/deadbeef", "/facade", "/2024-01-02",
    "/my-blog-post-about-the-elections-of-2024", "/a/internationalization", "/static/app.min.js",
    "/GetUserProfileSettingsV2",
    "/550e8400-e29b-41d4-a716-44665544000", "/users/{id}", "host:443", "/käse/brot-mit-12345678901234567890-ü",
  ])
  func `a path of words stays as it is`(path: String) {
    #expect(PathFolding.fold(path) == path)
  }

  @Test func `folding twice is folding once`() {
    let path = "/a/12/ffffffffffffffff/b"

    #expect(PathFolding.fold(PathFolding.fold(path)) == PathFolding.fold(path))
  }
}
