import Foundation
import PackagePlugin

/// Hands the target one Swift file for each script and style sheet in its folder `Web`.
@main
struct WebBuildPlugin: BuildToolPlugin {
  /// What the string of a file is called after, by the end of the file's name.
  private static let kinds = ["js": "Script", "css": "Style"]

  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let script = context.package.directoryURL.appending(path: "scripts/embed-web.sh")
    let sources = try FileManager.default.contentsOfDirectory(
      at: target.directoryURL.appending(path: "Web"), includingPropertiesForKeys: nil
    ).sorted { $0.path < $1.path }

    return sources.compactMap { source in
      guard let kind = Self.kinds[source.pathExtension] else { return nil }
      let name = camelCase(source.deletingPathExtension().lastPathComponent) + kind
      let output = context.pluginWorkDirectoryURL.appending(path: "\(name).swift")
      return .buildCommand(
        displayName: "Embedding \(source.lastPathComponent)",
        executable: URL(filePath: "/bin/sh"),
        arguments: [
          script.path(percentEncoded: false), source.path(percentEncoded: false), name,
          output.path(percentEncoded: false),
        ],
        inputFiles: [script, source],
        outputFiles: [output])
    }
  }

  /// `flame-graph` as `flameGraph`.
  private func camelCase(_ name: String) -> String {
    let words = name.split(separator: "-")
    return words.prefix(1).joined() + words.dropFirst().map(\.capitalized).joined()
  }
}
