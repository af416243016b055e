import LinuxSystem
import Policies
package import ProfileModel

/// Measures what is the whole host's: load and pressure.
package struct HostMeter {
  private let loadFile: OpenFile?
  private var pressures: [Metric: Pressure] = [:]
  private var buffer = ProcBuffer()
  /// The load average of one minute; nil where it is not known.
  package private(set) var load: Double?

  /// What tasks have waited for one resource (Documentation/accounting/psi.rst).
  private struct Pressure {
    let file: OpenFile
    /// In us, since boot.
    var total: UInt64?
    /// In percent of the time since the sample before.
    var share: Double?
  }

  package init() {
    loadFile = try? OpenFile("/proc/loadavg")
    for (metric, name) in [(Metric.cpuPressure, "cpu"), (.memoryPressure, "memory"), (.ioPressure, "io")] {
      // Kernels without PSI, or started with psi=0, have no such files: no data.
      if let file = try? OpenFile("/proc/pressure/\(name)") { pressures[metric] = Pressure(file: file) }
    }
  }

  /// - Parameter elapsed: since the sample before, in ns.
  package mutating func sample(elapsedNanoseconds elapsed: UInt64) {
    if let loadFile, buffer.read(loadFile) {
      load = Double(buffer.text.prefix { $0 != " " })
    }
    for metric in Array(pressures.keys) {
      guard let pressure = pressures[metric], buffer.read(pressure.file) else { continue }
      let line = buffer.text.prefix { $0 != "\n" }
      guard let total = line.split(separator: "=").last.flatMap({ UInt64($0) }) else { continue }
      if let before = pressure.total, elapsed > 0, total >= before {
        pressures[metric]?.share = min(100, Double(total - before) * 1000 / Double(elapsed) * 100)
      }
      pressures[metric]?.total = total
    }
  }

  /// NaN where there is no data, and for metrics of processes.
  package func value(_ metric: Metric) -> Double {
    if metric == .systemLoad { return load ?? .nan }
    return pressures[metric]?.share ?? .nan
  }
}
