import CLinux

extension [UInt8] {
  /// Whether other bytes occur among these (memmem(3)).
  package func contains(bytes wanted: [UInt8]) -> Bool {
    unsafe withUnsafeBytes { all in
      unsafe wanted.withUnsafeBytes { wanted in
        unsafe swprof_find_bytes(all.baseAddress, all.count, wanted.baseAddress, wanted.count) >= 0
      }
    }
  }
}
