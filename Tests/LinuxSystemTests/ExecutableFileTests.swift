import Glibc
import Testing

@testable import LinuxSystem

@Suite struct ExecutableFileTests {
  private func isSame(_ file: OpenFile?, as path: String) throws -> Bool {
    let (one, other) = (try #require(try file?.status()), try OpenFile(path).status())
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino
  }

  @Test func aNameIsLookedForInThePath() throws {
    #expect(try isSame(ExecutableFile.open("sh"), as: "/bin/sh"))
  }

  @Test func aPathIsTakenAsItIs() throws {
    #expect(try isSame(ExecutableFile.open("/bin/sh"), as: "/bin/sh"))
  }

  @Test func whatIsNowhereIsNone() {
    #expect(ExecutableFile.open("swprof-no-such-command") == nil)
    #expect(ExecutableFile.open("/swprof-no-such-folder/command") == nil)
  }
}
