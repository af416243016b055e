import ArgumentParser
import Capture
import Rendering

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what this machine allows, and what it means.",
    discussion: "Exits with 0 where a profile can be taken, else with 69.")

  @Flag(help: "Print a JSON object.") var json = false

  func run() throws {
    let findings = Doctor.examine()
    try Terminal.print(json ? DoctorReport.json(findings) : DoctorReport.text(findings))
    if !DoctorReport.canProfile(findings) { throw CommandStatus(code: ExitStatus.unavailable.rawValue) }
  }
}
