package import Capture
import LinuxSystem
package import ProfileModel
import Symbolication

/// Finds the perf-map of a process in the process's own namespaces.
package enum PerfMapSearch {
  package static func open(_ process: ProcessID) -> ProcessTracker.PerfMapOpening {
    guard let number = try? ProcessTable.innermostID(of: process), let owner = try? ProcessTable.userID(of: process)
    else { return .none }
    // Root of this host may own what a process has mounted from elsewhere.
    let owners = [owner, try? ProcessTable.rootID(of: process)].compactMap { $0 }
    switch PerfMap.place(process: process, innermostID: number, owners: Set(owners)) {
    case .success(let place): return .place(place)
    case .failure(.missing): return .none
    case .failure(let refusal): return .refused("process \(process): \(refusal); its code stays without names")
    }
  }
}
