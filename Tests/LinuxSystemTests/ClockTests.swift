import Testing

@testable import LinuxSystem

@Suite struct ClockTests {
  @Test(
    arguments: [
      ("monotonic          0         0\nboottime           0         0\n", 0),
      ("monotonic      -3000         0\nboottime        7200         5\n", -3_000_000_000_000),
      ("monotonic      -3000 500000000\n", -2_999_500_000_000), ("boottime 1 1\n", 0), ("", 0), ("monotonic x 0\n", 0),
      ("monotonic 9223372036854775807 0\n", 0),
    ] as [(String, Int64)])
  func `the offset of a time namespace is read as the kernel writes it`(text: String, nanoseconds: Int64) {
    #expect(Clock.offset(of: "monotonic", in: text) == nanoseconds)
  }
}
