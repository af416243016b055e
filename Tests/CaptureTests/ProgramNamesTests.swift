import Testing

@testable import Capture

struct ProgramNamesTests {
  @Test func `the words of a name in C are the words of its case`() {
    #expect(OnCPUProgram.onCPUTick.rawValue == "on_cpu_tick")
    #expect(NetworkProgram.enterTLSReadEx.rawValue == "enter_tls_read_ex")
    #expect(OffCPUMap.openIntervals.rawValue == "open_intervals")
    #expect(OffCPUConstants.offCPU.rawValue == ".rodata.off_cpu")
  }

  @Test func `a name that objects share is the name in each of them`() {
    #expect(SharedMap.unwindChunks.rawValue == OffCPUMap.unwindChunks.rawValue)
    #expect(SharedProgram.lifecycle.map(\.rawValue).contains(NetworkProgram.processExec.rawValue))
    #expect(SharedConstants.config.rawValue == NetworkConstants.config.rawValue)
  }
}
