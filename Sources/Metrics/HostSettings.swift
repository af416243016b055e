import LinuxSystem
package import Policies
import ProfileModel

/// What of this machine's settings leaves rules without data.
package enum HostSettings {
  /// What makes a rule of the policies wait for ever, a sentence each.
  package static func warnings(for set: PolicySet) -> [String] {
    let metrics = Set(set.policies.flatMap(\.rules).map(\.measure.metric))
    var warnings: [String] = []
    let accounting = (try? OpenFile.text(of: "/proc/sys/kernel/task_delayacct")) ?? "1"
    if metrics.contains(.processIOWait), accounting.hasPrefix("0") {
      warnings.append("process_io_wait has no data: 'sysctl kernel.task_delayacct=1' turns its accounting on")
    }
    let pressures: Set<Metric> = [.cpuPressure, .memoryPressure, .ioPressure]
    if !metrics.isDisjoint(with: pressures), (try? OpenFile("/proc/pressure/cpu")) == nil {
      warnings.append("psi_cpu, psi_memory and psi_io have no data: this kernel has no /proc/pressure")
    }
    return warnings
  }
}
