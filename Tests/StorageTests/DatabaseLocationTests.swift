import Storage
import Testing

@Suite struct DatabaseLocationTests {
  @Test func `the option goes before the variable, the variable before the default`() {
    let environment = ["SWPROF_DB": "/env.db", "HOME": "/home/a"]
    #expect(DatabaseLocation.resolve(option: "x.db", environment: environment, isRoot: false) == "x.db")
    #expect(DatabaseLocation.resolve(option: nil, environment: environment, isRoot: true) == "/env.db")
  }

  @Test func `root's default is the system's database, whatever the environment says about a home`() {
    let environment = ["XDG_STATE_HOME": "/state", "HOME": "/root"]
    #expect(
      DatabaseLocation.resolve(option: nil, environment: environment, isRoot: true) == "/var/lib/swprof/swprof.db")
  }

  @Test func `with sudo, the default is the caller's and not root's`() {
    func path(_ environment: [String: String], home: String?) -> String {
      DatabaseLocation.resolve(option: nil, environment: environment, isRoot: true, callerHome: home)
    }
    #expect(path(["HOME": "/root"], home: "/home/a") == "/home/a/.local/state/swprof/swprof.db")
    #expect(path(["XDG_STATE_HOME": "/state"], home: "/home/a") == "/state/swprof/swprof.db")
    #expect(path(["HOME": "/root"], home: nil) == "/var/lib/swprof/swprof.db")
  }

  @Test(arguments: [
    ("/var/lib/swprof", "/var/lib/swprof/swprof.db"), ("/a:/b", "/a/swprof.db"),
    ("relative", "/var/lib/swprof/swprof.db"), ("", "/var/lib/swprof/swprof.db"),
  ])
  func `a service's is in the directory that systemd gives it`(directory: String, path: String) {
    let environment = ["STATE_DIRECTORY": directory]
    #expect(DatabaseLocation.resolve(option: nil, environment: environment, isRoot: true) == path)
  }

  @Test(arguments: [
    (["XDG_STATE_HOME": "/state", "HOME": "/home/a"], "/state/swprof/swprof.db"),
    (["HOME": "/home/a"], "/home/a/.local/state/swprof/swprof.db"),
    (["XDG_STATE_HOME": "", "SWPROF_DB": "", "HOME": "/home/a"], "/home/a/.local/state/swprof/swprof.db"),
    (["XDG_STATE_HOME": "relative", "HOME": "/home/a"], "/home/a/.local/state/swprof/swprof.db"),
  ])
  func `a user's default is in the state directory`(environment: [String: String], path: String) {
    #expect(DatabaseLocation.resolve(option: nil, environment: environment, isRoot: false) == path)
  }
}
