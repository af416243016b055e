import CLinux

extension OpenFile {
  /// File systems whose files the kernel makes up while they are read (include/uapi/linux/magic.h).
  private static let madeUp: Set<Int> = [
    0x9FA0,  // proc
    0x6265_6572,  // sysfs
    0x7472_6163,  // tracefs
    0x6462_6720,  // debugfs
    0x7363_6673,  // securityfs
    0x6265_6570,  // configfs
    0x6165_676C,  // pstore
    0xDE5E_81E4,  // efivarfs
    0xCAFE_4A11,  // bpf
    0xF97C_FF8C,  // selinuxfs
    0x4341_5D53,  // smackfs
    0x0027_E0EB,  // cgroup
    0x6367_7270,  // cgroup2
    0x0765_5821,  // resctrl
    0x4249_4E4D,  // binfmt_misc
    0x6E73_6673,  // nsfs
    0x1CD1,  // devpts
  ]

  /// Whether the kernel makes up what is read from the file.
  var isMadeUp: Bool { Self.madeUp.contains(fileSystemType) }

  /// The type of the file system that the file lies in (statfs(2)); -1 where it is unknown.
  var fileSystemType: Int { swprof_file_system_type(descriptor) }

  /// Whether it lies in /proc, whose links lead to what the kernel knows and not to what they read.
  var isInProc: Bool { fileSystemType == 0x9FA0 }
}
