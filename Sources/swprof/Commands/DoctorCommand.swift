import ArgumentParser
import Capture
import LinuxSystem
import ProfileModel
import Recording
import Rendering
import Symbolication

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what this machine allows, and what it means.",
    discussion: """
      EXAMPLES
        sudo swprof doctor
        sudo swprof doctor --pid 4711

      Exits with 0 where a profile can be taken, else with 69. With --pid: how stacks are walked through each module of \
      a process, what its functions are named by, and what would name more.
      """)

  @Option(help: ArgumentHelp("Look at this process's modules.", valueName: "N")) var pid: Int32?
  @Flag(help: "Print a JSON object.") var json = false

  func validate() throws {
    if let pid, pid <= 0 { throw ValidationError("'--pid \(pid)': give the number of a process") }
  }

  func run() throws {
    if let pid {
      let process = ProcessID(rawValue: pid)
      let modules = try ModuleExamination.modules(of: process)
      let python = Doctor.examinePython(process)
      return try Terminal.print(
        json ? ModuleReport.json(modules, python: python) : ModuleReport.text(modules, python: python))
    }
    let findings = Doctor.examine()
    try Terminal.print(json ? DoctorReport.json(findings) : DoctorReport.text(findings))
    if !DoctorReport.canProfile(findings) { throw CommandStatus(code: ExitStatus.unavailable.rawValue) }
  }
}
