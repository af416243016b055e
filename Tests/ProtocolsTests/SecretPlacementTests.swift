import Foundation
import Protocols
import Testing

/// Secrets wherever clients, gateways and servers put them.
struct SecretPlacementTests {
  private static let headers = [
    "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "apikey", "API_KEY", "DD-API-KEY",
    "X-Auth-Token", "X-Access-Key", "X-Access-Token", "X-Amz-Security-Token", "X-Amzn-Oidc-Data",
    "X-Amzn-Oidc-Accesstoken", "Cf-Access-Jwt-Assertion", "CF-Access-Client-Secret", "Ocp-Apim-Subscription-Key",
    "X-Functions-Key", "X-Vault-Token", "X-Vault-Key", "License-Key", "X-License", "X-Passphrase", "X-Pass", "X-Pin",
    "X-OTP", "X-Totp-Code", "X-MFA", "SSN", "X-Ssn", "X-Session-Id", "X-Csrf", "X-XSRF", "X-Credential", "X-User-Creds",
    "X-Hub-Signature-256", "X-Goog-IAP-JWT-Assertion", "Private-Token", "X-Gitlab-Token", "DPoP", "X-WSSE",
    "X-Sentry-Auth", "X-Parse-Master-Key", "X-Algolia-API-Key", "x-ms-authorization-auxiliary", "X-AuthKey", "xApiKey",
    "X-aMz-SeCuRiTy-ToKeN", "X-Account-Number", "X-Card-Number", "X-Recovery-Code", "X-Bearer", "WWW-Authenticate",
    "X-Two-Factor-Pin2", "MyAccessKey", "userPin", "X-Secret-Value", "X-Db-Pwd",
  ]
  private static let parameters = [
    "token", "access_token", "refreshToken", "id_token", "key", "api_key", "apiKey", "access_key", "private_key",
    "privateKey", "otp", "pin", "PIN", "passphrase", "password", "passwd", "pwd", "pass", "userpass", "user[password]",
    "j_password", "secret", "client_secret", "sig", "X-Amz-Signature", "X-Amz-Credential", "session", "sid",
    "sessionid",
    "PHPSESSID", "jwt", "code", "ticket", "SAMLResponse", "assertion", "auth", "oauth_verifier_token", "license",
    "ssn", "cvv", "credential", "hmac", "csrf_token", "verification_code", "%74oken", "%2574oken", "to%6ben",
    "pass%77ord", "authkey", "signature",
  ]

  /// A message and what may not be seen of it.
  struct Placement: CustomTestStringConvertible {
    let secret: String
    let text: String

    var testDescription: String { text }
  }

  private static func placements(_ templates: [String], from first: Int) -> [Placement] {
    templates.enumerated().map { index, template in
      let secret = "hunTer\(first + index)Zq"
      return Placement(secret: secret, text: template.replacing("SECRET", with: secret))
    }
  }

  private static func request(_ target: String) -> String { "GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n" }

  private static func post(_ type: String, _ body: String) -> String {
    "POST / HTTP/1.1\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count + 40)\r\n\r\n\(body)"
  }

  private static let inURLs =
    parameters.map { request("/a?page=2&\($0)=SECRET&b=c") }
    + parameters.map { request("/login?next=https%3A%2F%2Fx%2F%3Fa%3D1%26\($0)%3DSECRET%26b%3Dc&page=2") }
    + [
      request("/a;jsessionid=SECRET?page=2"), request("/a;JSESSIONID=SECRET/b"), request("/a%3Ftoken=SECRET"),
      request("/a%3Bjsessionid%3DSECRET"), request("http://user:SECRET@host/"),
      request("/?u=https%3A%2F%2Fme%3ASECRET%40h%2F"),
      request("/?u=https%253A%252F%252Fme%253ASECRET%2540h%252F%253Fa"),
      "CONNECT user:SECRET@host:443 HTTP/1.1\r\n\r\n",
      request("/?q=%7B%22password%22%3A%22SECRET%22%7D"), request("/#access_token=SECRET"),
      "HTTP/1.1 302 Found\r\nLocation: https://x/cb#id_token=SECRET&state=1\r\n\r\n",
      "HTTP/1.1 302 Found\r\nLocation: //me:SECRET@x/\r\n\r\n",
      "GET / HTTP/1.1\r\nReferer: https://x/?pin=SECRET\r\n\r\n",
      "GET / HTTP/1.1\r\nX-Forwarded: by=x;token=\"SECRET\"\r\n\r\n",
      "GET / HTTP/1.1\r\nX-Upstream: Bearer SECRET\r\n\r\n",
      "GET / HTTP/1.1\r\nX-Upstream: Basic SECRET\r\n\r\n",
      "GET / HTTP/1.1\r\nX-Anything: eyJhbGciOiJIUzI1NiJ9.SECRET.x\r\n\r\n",
      "GET / HTTP/1.1\r\nX-Anything: ghp_0123456789SECRET\r\n\r\n",
    ]

  private static let inBodies =
    parameters.map { post("application/x-www-form-urlencoded", "a=b&\($0)=SECRET&c=d") }
    + parameters.filter { !$0.contains("%") && !["code", "ticket"].contains($0) }
    .map { post("application/json", "{\"a\": 1, \"\($0)\" : \"SECRET\", \"c\": \"d\"}") }
    + [
      post("application/json", #"{"user":{"credentials":{"login":"x","value":"SECRET"}},"c":1}"#),
      post("application/json", #"{"keys":["a","SECRET"]}"#), post("application/json", #"{"\u0070in":"SECRET"}"#),
      post("application/json", #"{"log":"{\"password\":\"SECRET\"}","c":1}"#),
      post("application/json", #"{"name":"Authorization","value":"SECRET"}"#),
      post("application/json", #"{"query":"mutation { login(password: \"SECRET\") }"}"#),
      post("application/json", #"{"pass":"a\"SECRET"}"#), post("application/json", "{\"pass\":\n\"SECRET\"}"),
      post("application/json", #"{"url":"https://x/?token=SECRET"}"#),
      post("text/xml", "<l><wsse:Password Type=\"x\">SECRET</wsse:Password></l>"),
      post("text/xml", "<pin><![CDATA[SECRET]]></pin>"), post("text/xml", "<login password=\"SECRET\"/>"),
      post("text/yaml", "user: x\npassword: SECRET\n"), post("text/plain", "db.password = SECRET\n"),
      post("text/plain", "-----BEGIN RSA PRIVATE KEY-----\nSECRET\n"),
      post("application/x-www-form-urlencoded", "password=a \"b' SECRET&x=y"),
      post("multipart/form-data; boundary=xYz", multipart("password")),
      post("multipart/form-data; boundary=\"xYz\"", multipart("apiKey")),
      post("multipart/mixed; boundary=xYz", "--xYz\r\n\r\nGET / HTTP/1.1\r\nAuthorization: SECRET\r\n\r\n--xYz--"),
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npasswo\r\n14\r\nrd=SECRET&a=b\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Encoding: rot13\r\nContent-Length: 90\r\n\r\nSECRET",
      // A request behind a request is no body.
      "GET / HTTP/1.1\r\n\r\nGET /2?x=SECRET HTTP/1.1\r\nAuthorization: SECRET\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\na=b&GET /SECRET HTTP/1.1\r\nX: SECRET\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\nX: SECRET\r\n\r\n",
      "HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 200 OK\r\nX: SECRET\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nHTTP/1.1 200 OK\r\nX: SECRET\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: SECRET\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 400\r\n\r\nGET / HTTP/1.1\r\nCookie: SECRET\r\n\r\n",
    ]

  private static func multipart(_ name: String) -> String {
    "--xYz\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\nSECRET\r\nSECRET\r\n--xYz\r\n"
      + "Content-Disposition: form-data; name=\"page\"\r\n\r\n2\r\n--xYz--\r\n"
  }

  private static let inHeaders =
    headers.map { "GET / HTTP/1.1\r\nHost: x\r\n\($0): SECRET\r\nAccept: */*\r\n\r\n" }
    + ["X-Api-Key: a\r\n SECRET", "Cookie:SECRET", "X-Pin : SECRET"].map { "GET / HTTP/1.1\r\n\($0)\r\n\r\n" }

  static let all = placements(inHeaders + inURLs + inBodies, from: 100)

  @Test func `none of more than 200 secrets is shown`() {
    #expect(Self.all.count >= 200)
    for placement in Self.all {
      let shown = HeaderRedaction.text(placement.text.utf8)
      #expect(!shown.contains(placement.secret), "\(placement.text) gave \(shown)")
    }
  }

  @Test func `nor is any part of one where a message is cut`() {
    for placement in Self.all {
      guard let place = placement.text.range(of: placement.secret) else { continue }
      let start = placement.text.utf8.distance(from: placement.text.startIndex, to: place.lowerBound)
      for length in 4...placement.secret.utf8.count + 1 {
        let shown = HeaderRedaction.text(placement.text.utf8.prefix(start + length))
        #expect(!shown.contains("hunT"), "\(placement.text) cut gave \(shown)")
      }
    }
  }

  @Test(arguments: [
    ("/a;jsessionid=SECRET/b", "/a;jsessionid=[redacted]/b"), ("user:SECRET@host:443", "[redacted]@host:443"),
    ("/a%3Ftoken%3DSECRET%26b%3Dc", "/a%3Ftoken%3D[redacted]%26b%3Dc"),
    ("http://u:SECRET@h/b", "http://[redacted]@h/b"),
    ("/reset-password/9f8e7d6c5b4a39281706SECRETa1", "/reset-password/[redacted]"), ("host:443", "host:443"),
    ("/auth/login/12345678901234567890", "/auth/login/12345678901234567890"), ("(other paths)", "(other paths)"),
    ("/v1/keys:rotate", "/v1/keys:rotate"), ("/v1/a/sessions:batchCreate", "/v1/a/sessions:batchCreate"),
    ("/v1/%7B%22token%22%3A%22SECRET%22%7D", "/v1/%7B%22token%22%3A%22[redacted]%22%7D"),
  ])
  func `paths have no secrets`(path: String, shown: String) {
    #expect(PathRedaction.text(path.replacing("SECRET", with: "hunTer9Zq")) == shown)
  }

  @Test(arguments: [
    ("/a;v=1/b", "/a"), ("/a%3Fq%3D1", "/a"), ("/a/b", "/a/b"), ("u:p@host:1", "[redacted]@host:1"), ("/a%253Fq", "/a"),
  ])
  func `paths without content end before their first parameter`(path: String, shown: String) {
    #expect(PathRedaction.withoutContent(path) == shown)
  }

  @Test(arguments: [
    "Keep-Alive: timeout=5", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ", "Monkey: x", "Author: x", "Shipping: y",
    "Host: x:8080", "X-Request-Id: 7f3a", "ETag: \"abc\"", "Content-Length: 0", "Accept: text/html;q=0.9", "Keyword: a",
    "Idempotency-Key: 12", "Pinned: no", "Compass: n", "Access-Control-Allow-Credentials: true", "X-Passenger: 2",
    "Location: https://host:8080/a?author=x&monkey=y&page=2", "Traceparent: 00-4bf92f-00f0-01", "Spin: 1", "Inside: 3",
    "Forwarded: for=1.2.3.4;host=x", "Cache-Control: max-age=3", "X-Turkey: a", "Sidecar: b", "Design: assigned",
  ])
  func `harmless headers stay`(header: String) {
    let message = "GET /a?page=2&author=me HTTP/1.1\n\(header)\n\n"
    #expect(HeaderRedaction.text(message.utf8) == message)
  }

  @Test(arguments: [
    #"{"page":2,"monkey":"x","author":{"a":[1]},"max_tokens":5,"code":"NOT_FOUND","isAuthenticated":true}"#,
    "a=b&author=c&keyboard=d", "<author>x</author>", "time: 12:30\nhost = a\n", "a basic plan for two",
  ])
  func `harmless bodies stay`(body: String) {
    let message = "HTTP/1.1 200 OK\n\n\(body)"
    #expect(HeaderRedaction.text(message.utf8) == message)
  }

  @Test(arguments: ["Transfer-Encoding: identity", "Content-Encoding: none", "Content-Encoding: UTF-8"])
  func `a body that is not encoded is shown`(header: String) {
    let message = "HTTP/1.1 200 OK\n\(header)\n\na=b"
    #expect(HeaderRedaction.text(message.utf8) == message)
  }

  @Test func `what is around secrets stays`() {
    let shown = Self.all.map { HeaderRedaction.text($0.text.utf8) }

    #expect(shown.count { $0.contains("page=2") } >= 100)
    #expect(shown.filter { $0.contains("Accept:") }.allSatisfy { $0.contains("Accept: */*\n\n") })
    #expect(shown.count { $0.contains(#""c": "d""#) } >= 40)
    #expect(shown.count { $0.contains("&c=d") } >= 40)
  }

  @Test func `a form within a body of several parts shows its other parts`() {
    let message = Self.post("multipart/form-data; boundary=xYz", Self.multipart("password"))
    let shown = HeaderRedaction.text(message.utf8)

    #expect(shown.contains("name=\"page\"\\r\n\\r\n2\\r\n--xYz--"))
  }
}
