// swift-tools-version: 6.2
import PackageDescription

/// `SWPROF_STATIC=1` (set by scripts/release) links the C libraries from their archives, so that the executable asks the
/// target machine for the C and C++ runtimes only. A plain `swift build` links the shared libraries of the Debian packages.
let isStatic = Context.environment["SWPROF_STATIC"] != nil

func libraries(_ names: String...) -> [LinkerSetting] {
  names.map { .linkedLibrary($0) }
}

/// The archives of all targets, in the order of their needs: the linker sees them once, where they first stand.
func archives() -> [LinkerSetting] {
  ["dw", "bpf", "elf", "lzma", "bz2", "z"].map { .linkedLibrary(":lib\($0).a") }
}

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// Product code also has every unsafe construct marked; test code does not (`#expect` expands to unmarked code).
let product: [SwiftSetting] = strict + [.strictMemorySafety()]

let package = Package(
  name: "swprof",
  products: [.executable(name: "swprof", targets: ["swprof"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(
      name: "CLibBPF", path: "Sources/CLibBPF", providers: [.apt(["libbpf-dev", "libelf-dev"])]),
    .systemLibrary(
      name: "CElfutils", path: "Sources/CElfutils", providers: [.apt(["libdw-dev", "libelf-dev"])]),
    .systemLibrary(name: "CZlib", path: "Sources/CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CLinux"),
    .target(name: "CProbes", path: "bpf", sources: ["abi.c"], publicHeadersPath: "include"),
    .target(name: "CUnwinding", dependencies: ["CProbes"]),
    .target(name: "Version", swiftSettings: product, plugins: ["VersionPlugin"]),
    .target(name: "ProfileModel", swiftSettings: product),
    .target(name: "LinuxSystem", dependencies: ["CLinux", "ProfileModel"], swiftSettings: product),
    .target(
      name: "BPF", dependencies: ["CLibBPF", "LinuxSystem"], swiftSettings: product,
      linkerSettings: isStatic ? archives() : libraries("bpf", "elf", "z")),
    .target(name: "ELF", dependencies: ["Compression", "LinuxSystem", "ProfileModel"], swiftSettings: product),
    .target(name: "Unwinding", dependencies: ["CProbes", "CUnwinding", "ELF"], swiftSettings: product),
    .target(
      name: "Symbolication", dependencies: ["CElfutils", "ELF", "LinuxSystem", "ProfileModel", "Unwinding"],
      swiftSettings: product,
      linkerSettings: isStatic ? [] : libraries("dw", "elf")),
    .target(name: "Runtimes", dependencies: ["CProbes", "ELF", "ProfileModel"], swiftSettings: product),
    .target(
      name: "Capture", dependencies: ["BPF", "CProbes", "ELF", "LinuxSystem", "ProfileModel", "Runtimes", "Unwinding"],
      swiftSettings: product,
      plugins: ["BPFBuildPlugin"]),
    .target(
      name: "Storage",
      dependencies: ["Compression", "LinuxSystem", "ProfileModel", .product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: product),
    .target(
      name: "Compression", dependencies: ["CZlib"], swiftSettings: product,
      linkerSettings: isStatic ? [] : libraries("z")),
    .target(
      name: "Importing", dependencies: ["Compression", "LinuxSystem", "ProfileModel"], swiftSettings: product),
    .target(
      name: "Pprof",
      dependencies: ["Compression", "ProfileModel", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
      exclude: ["profile.proto"], swiftSettings: product),
    .target(name: "Protocols", dependencies: ["ProfileModel"], swiftSettings: product),
    .target(
      name: "Policies", dependencies: ["ProfileModel", .product(name: "Yams", package: "Yams")], swiftSettings: product),
    .target(name: "Metrics", dependencies: ["LinuxSystem", "Policies", "ProfileModel"], swiftSettings: product),
    .target(name: "Comparison", dependencies: ["ProfileModel"], swiftSettings: product),
    .target(
      name: "Rendering", dependencies: ["Comparison", "Compression", "ProfileModel"], exclude: ["Web"],
      swiftSettings: product, plugins: ["WebBuildPlugin"]),
    .target(
      name: "Loading",
      dependencies: ["Comparison", "Importing", "LinuxSystem", "Pprof", "ProfileModel", "Storage"],
      swiftSettings: product),
    .target(
      name: "Recording",
      dependencies: ["Capture", "LinuxSystem", "ProfileModel", "Protocols", "Storage", "Symbolication", "Version"],
      swiftSettings: product),
    .target(
      name: "Watching",
      dependencies: ["Capture", "LinuxSystem", "Metrics", "Policies", "ProfileModel", "Recording", "Version"],
      swiftSettings: product),
    .executableTarget(
      name: "swprof",
      dependencies: [
        "Capture", "Comparison", "Importing", "LinuxSystem", "Loading", "Metrics", "Policies", "Pprof", "ProfileModel",
        "Recording", "Rendering", "Storage", "Symbolication", "Version", "Watching",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: product),
    .plugin(name: "BPFBuildPlugin", capability: .buildTool(), path: "Sources/BPFBuildPlugin"),
    .plugin(name: "WebBuildPlugin", capability: .buildTool(), path: "Sources/WebBuildPlugin"),
    .plugin(name: "VersionPlugin", capability: .buildTool(), path: "Sources/VersionPlugin"),

    .testTarget(
      name: "ProfileModelTests", dependencies: ["LinuxSystem", "ProfileModel", "SeededRandom"], swiftSettings: strict),
    .testTarget(name: "LinuxSystemTests", dependencies: ["LinuxSystem", "ProfileModel"], swiftSettings: strict),
    .testTarget(name: "CaptureTests", dependencies: ["CProbes", "Capture", "ELF", "Unwinding"], swiftSettings: strict),
    .testTarget(
      name: "RuntimesTests",
      dependencies: ["CProbes", "ELF", "LinuxSystem", "ProfileModel", "Runtimes", "SeededRandom"],
      swiftSettings: strict),
    .testTarget(name: "BPFTests", dependencies: ["BPF"], swiftSettings: strict),
    .testTarget(
      name: "UnwindingTests",
      dependencies: ["CElfutils", "CUnwinding", "ELF", "LinuxSystem", "SeededRandom", "Unwinding"],
      swiftSettings: strict),
    .target(name: "CHTTP", path: "Tests/CHTTP"),
    .testTarget(name: "HTTPParserTests", dependencies: ["CHTTP", "SeededRandom"], swiftSettings: strict),
    .testTarget(
      name: "SymbolicationTests", dependencies: ["ELF", "SeededRandom", "Symbolication"], swiftSettings: strict),
    .testTarget(
      name: "ImportingTests", dependencies: ["Compression", "Importing", "LinuxSystem", "ProfileModel"],
      exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(
      name: "PprofTests",
      dependencies: [
        "Compression", "Pprof", "ProfileModel", "Rendering", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ProtocolsTests", dependencies: ["ProfileModel", "Protocols", "SeededRandom"], swiftSettings: strict),
    .testTarget(
      name: "MetricsTests", dependencies: ["LinuxSystem", "Metrics", "Policies", "ProfileModel"], swiftSettings: strict),
    .testTarget(name: "PoliciesTests", dependencies: ["Policies", "SeededRandom"], swiftSettings: strict),
    .testTarget(
      name: "ComparisonTests", dependencies: ["Comparison", "ProfileModel", "SeededRandom"], swiftSettings: strict),
    .testTarget(
      name: "StorageTests",
      dependencies: [
        "Comparison", "Compression", "Pprof", "ProfileModel", "Rendering", "SeededRandom", "Storage",
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "RenderingTests", dependencies: ["Comparison", "GoldenFiles", "Rendering"], exclude: ["Fixtures"],
      swiftSettings: strict),
    .target(name: "GoldenFiles", path: "Tests/GoldenFiles", swiftSettings: strict),
    .target(name: "SeededRandom", path: "Tests/SeededRandom", swiftSettings: strict),
    .target(name: "CommandRunning", path: "Tests/CommandRunning", swiftSettings: strict),
    .testTarget(
      name: "RecordingTests",
      dependencies: ["Capture", "LinuxSystem", "ProfileModel", "Recording", "Storage", "Symbolication"],
      swiftSettings: strict),
    .testTarget(
      name: "WatchingTests",
      dependencies: ["Capture", "LinuxSystem", "Policies", "ProfileModel", "Recording", "Watching"],
      swiftSettings: strict),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "Capture", "CommandRunning", "Compression", "GoldenFiles", "LinuxSystem", "Policies", "Pprof", "ProfileModel",
        "Rendering", "Storage", "swprof", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "GRDB", package: "GRDB.swift"), .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["Fixtures"], swiftSettings: strict),
    .testTarget(
      name: "BrowserTests", dependencies: ["ProfileModel", "Rendering"], exclude: ["driver.mjs"], swiftSettings: strict),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "CProbes", "Capture", "CommandRunning", "ELF", "LinuxSystem", "Metrics", "Policies", "ProfileModel", "Runtimes",
        "SeededRandom", "Unwinding", "swprof",
      ],
      exclude: ["Workloads"],
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
