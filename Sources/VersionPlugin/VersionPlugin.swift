import Foundation
import PackagePlugin

/// Writes the commit that the package is built from as a Swift file, anew after each commit.
@main
struct VersionPlugin: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let package = context.package.directoryURL
    let script = package.appending(path: "scripts/write-version.sh")
    let output = context.pluginWorkDirectoryURL.appending(path: "Commit.swift")
    return [
      .buildCommand(
        displayName: "Writing the commit", executable: URL(filePath: "/bin/sh"),
        arguments: [
          script.path(percentEncoded: false), package.path(percentEncoded: false), output.path(percentEncoded: false),
        ],
        inputFiles: [script] + gitFiles(of: package), outputFiles: [output])
    ]
  }

  /// What git changes with each commit, checkout and staged file; nothing where the sources are no repository.
  private func gitFiles(of package: URL) -> [URL] {
    var directory = package.appending(path: ".git")
    // In a linked work tree, '.git' is a file that names the directory.
    if let line = try? String(contentsOf: directory, encoding: .utf8), line.hasPrefix("gitdir: ") {
      directory = URL(filePath: line.dropFirst("gitdir: ".count).trimmingCharacters(in: .newlines))
    }
    return ["HEAD", "logs/HEAD", "index"].map { directory.appending(path: $0) }
      .filter { FileManager.default.fileExists(atPath: $0.path(percentEncoded: false)) }
  }
}
