import Foundation
import PackagePlugin

/// Compiles every `bpf/src/*.bpf.c` with the toolchain's clang and hands the target one Swift file for each: the object
/// file, and enums of the names of its maps and programs.
@main
struct BPFBuildPlugin: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let package = context.package.directoryURL
    let sources = package.appending(path: "bpf/src")
    let include = package.appending(path: "bpf/include")
    let script = package.appending(path: "scripts/compile-bpf.sh")
    let flags = package.appending(path: "scripts/bpf-clang.sh")
    let clang = try context.tool(named: "clang").url
    let objcopy = try context.tool(named: "llvm-objcopy").url
    let objdump = try context.tool(named: "llvm-objdump").url
    let headers = try headers(in: sources) + headers(in: include)

    return try files(in: sources, suffix: ".bpf.c").map { source in
      let name = source.lastPathComponent.replacing(".bpf.c", with: "")
      let output = context.pluginWorkDirectoryURL.appending(path: "\(name)Program.swift")
      return .buildCommand(
        displayName: "Compiling BPF program \(name)",
        executable: URL(filePath: "/bin/sh"),
        arguments: [
          script.path(percentEncoded: false), clang.path(percentEncoded: false), objcopy.path(percentEncoded: false),
          objdump.path(percentEncoded: false), source.path(percentEncoded: false), include.path(percentEncoded: false),
          name, output.path(percentEncoded: false),
        ],
        inputFiles: [script, flags, source] + headers,
        outputFiles: [output])
    }
  }

  /// The headers in a directory and in all directories below it.
  private func headers(in directory: URL) throws -> [URL] {
    try FileManager.default.subpathsOfDirectory(atPath: directory.path(percentEncoded: false))
      .filter { $0.hasSuffix(".h") }
      .sorted()
      .map { directory.appending(path: $0) }
  }

  private func files(in directory: URL, suffix: String) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
      .filter { $0.lastPathComponent.hasSuffix(suffix) }
      .sorted { $0.path < $1.path }
  }
}
