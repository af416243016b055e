import LinuxSystem
import Testing

struct MemoryMappingTests {
  private func mappings(_ text: String) -> [MemoryMapping] { MemoryMapping.executable(inMaps: Array(text.utf8)) }

  @Test func `an executable file mapping is read with its device, inode and offset`() {
    let line = "7f00a000-7f00c000 r-xp 00026000 fe:01 1234                       /usr/lib/libc.so.6\n"

    #expect(
      mappings(line) == [
        MemoryMapping(
          start: 0x7f00_a000, end: 0x7f00_c000, fileOffset: 0x26000, device: 0xfe << 32 | 1, inode: 1234,
          path: "/usr/lib/libc.so.6")
      ])
  }

  @Test func `mappings that hold no code are passed over`() {
    #expect(mappings("1000-2000 rw-p 00000000 00:00 0 [heap]\n2000-3000 r--p 00000000 fe:01 7 /a\n").isEmpty)
  }

  @Test func `all mappings are read where all are asked for`() {
    let text = "1000-2000 rw-p 00000000 00:00 0 [heap]\n2000-3000 r--p 00001000 fe:01 7 /a (deleted)\n"

    let found = MemoryMapping.all(inMaps: Array(text.utf8))

    #expect(found.map(\.path) == ["[heap]", "/a"])
    #expect(found.map(\.fileOffset) == [0, 0x1000])
  }

  @Test func `a deleted file keeps its name without the mark`() {
    #expect(mappings("1000-2000 r-xp 00000000 fe:01 7 /tmp/a b (deleted)\n").map(\.path) == ["/tmp/a b"])
  }

  @Test func `anonymous code has no path`() {
    let found = mappings("1000-2000 rwxp 00000000 00:00 0 \n")

    #expect(found.map(\.path) == [""])
    #expect(found.map(\.inode) == [0])
  }

  @Test(arguments: [
    "", "\n", "1000", "zz-yy r-xp 0 0:0 0", "2000-1000 r-xp 0 0:0 0", "ffffffffffffffffff-1 r-xp 0 0:0 0",
  ])
  func `a line of another form is passed over`(line: String) {
    #expect(mappings(line).isEmpty)
  }

  @Test func `this process maps code`() throws {
    let own = try ProcessTable.mappings(of: ProcessTable.own)

    #expect(own.contains { $0.path.hasSuffix(".so.6") })
  }
}
