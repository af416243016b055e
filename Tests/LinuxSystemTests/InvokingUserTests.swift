import Foundation
import Glibc
import LinuxSystem
import Testing

@Suite struct InvokingUserTests {
  private let passwd = """
    root:x:0:0:root:/root:/bin/bash
    broken
    ann:x:1000:1001:Ann,,,:/home/ann:/bin/zsh
    bob:x:1002:1003::relative:/bin/sh

    """

  @Test func `the caller of sudo has ids and a home`() {
    let found = find(["SUDO_UID": "1000", "SUDO_GID": "1001"])
    #expect(found.user == InvokingUser(userID: 1000, groupID: 1001, home: "/home/ann"))
    #expect(found.warning == nil)
  }

  @Test func `a group that sudo does not tell is the one of passwd`() {
    #expect(find(["SUDO_UID": "1000"]).user?.groupID == 1001)
  }

  @Test func `a user that passwd does not have has no home`() {
    let found = find(["SUDO_UID": "77", "SUDO_GID": "78"])
    #expect(found.user == InvokingUser(userID: 77, groupID: 78, home: nil))
    #expect(find(["SUDO_UID": "1002"]).user?.home == nil)
  }

  @Test func `nobody called sudo where this is not root, and where root itself did`() {
    #expect(find(["SUDO_UID": "1000"], isRoot: false).user == nil)
    #expect(find(["SUDO_UID": "0", "SUDO_GID": "0"]).user == nil)
    #expect(find([:]).user == nil)
    #expect(find(["SUDO_UID": "0"]).warning == nil)
  }

  @Test(arguments: [
    "", "-1", "+1000", " 1000", "1000 ", "1000\n", "4294967295", "4294967296", "99999999999999999999", "0x3e8", "ann",
    "١٢", "1,2",
  ])
  func `what is no number of a user is ignored with a warning`(text: String) {
    let found = find(["SUDO_UID": text, "SUDO_GID": "1001"])
    #expect(found.user == nil)
    #expect(found.warning?.contains("SUDO_UID") ?? false)
  }

  @Test func `what is no number of a group is ignored with a warning`() {
    let found = find(["SUDO_UID": "1000", "SUDO_GID": "-1"])
    #expect(found.user == nil)
    #expect(found.warning?.contains("SUDO_GID") ?? false)
  }

  @Test(.enabled(if: geteuid() == 0, "needs root"))
  func `the user's rights are those of all of their groups, and root's come back`() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "swprof-groups-\(getpid())").path
    #expect(mkdir(directory, 0) == 0 && chown(directory, 0, 54_321) == 0 && chmod(directory, 0o770) == 0)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    func make(_ name: String, groups: [UInt32]) -> Bool {
      InvokingUser(userID: 65_534, groupID: 65_534, home: nil, groups: groups).perform {
        mkdir(directory + "/" + name, 0o700) == 0
      }
    }

    #expect(!make("a", groups: []))
    #expect(make("b", groups: [65_534, 54_321]))
    #expect(!make("c", groups: []))
    #expect(mkdir(directory + "/d", 0o700) == 0)
  }

  private func find(
    _ environment: [String: String], isRoot: Bool = true
  ) -> (user: InvokingUser?, warning: String?) {
    InvokingUser.find(environment: environment, isRoot: isRoot, passwd: passwd)
  }
}
