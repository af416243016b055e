import LinuxSystem
import ProfileModel
import Testing

struct HostTests {
  @Test(
    arguments: [
      ("0\n", [0]), ("0-3\n", [0, 1, 2, 3]), ("0-1,4,6-7\n", [0, 1, 4, 6, 7]), ("\n", []), ("3-1", []), ("x", []),
    ] as [(String, [Int32])])
  func `a list of CPUs is read as sysfs writes it`(text: String, cpus: [Int32]) {
    #expect(Host.parseCPUList(text) == cpus)
  }

  @Test func `this process exists and an impossible one does not`() {
    #expect(ProcessTable.exists(ProcessTable.own))
    #expect(!ProcessTable.exists(.init(rawValue: Int32.max)))
  }

  @Test func `a file that is not there is an error with the kernel's word for it`() {
    #expect(throws: Errno.noSuchFile) { try OpenFile("/nonexistent/file") }
  }

  @Test func `a whole file of proc is read, however small its reads are`() throws {
    #expect(try OpenFile.text(of: "/proc/self/status").contains("NSpid:"))
  }
}
