import CommandRunning
import Foundation
import Testing

/// The programs whose stacks are known to be hard, all of them without frame pointers.
enum UnwindProgram: String, CaseIterable {
  case allocaRecursion
  case exceptions
  case signalHandler
  case signalStack
  case swift
  case xz
  case openssl
  case python
  case nginx

  /// Those of this machine: all of them, save that an emulated machine has not every program.
  static var present: [UnwindProgram] {
    guard let workloads = PrecompiledWorkloads.current, !workloads.isFilling else { return allCases }
    return allCases.filter { program in
      switch program {
      case .python: FileManager.default.fileExists(atPath: "/usr/bin/python3")
      case .nginx: FileManager.default.fileExists(atPath: "/usr/sbin/nginx")
      default: true
      }
    }
  }

  /// Starts the program and, for a server, its load.
  func start(_ bench: Workbench) throws -> RunningCommand {
    switch self {
    case .allocaRecursion:
      return try bench.startWorkload([try bench.compileWithoutFramePointers("alloca_recursion"), "40"])
    case .exceptions:
      return try bench.startWorkload([try bench.compileWithoutFramePointers("exceptions", "cpp")])
    case .signalHandler:
      return try bench.startWorkload([try bench.compileWithoutFramePointers("signal_handler")])
    case .signalStack:
      return try bench.startWorkload([try bench.compileWithoutFramePointers("signal_handler"), "alternate"])
    case .swift:
      return try bench.startWorkload([try bench.compileSwift("closures")])
    case .xz:
      let input = bench.path("input")
      let copied = try bench.run(["sh", "-c", "cat /usr/lib/x86_64-linux-gnu/*.so* | head -c 30000000 > \(input)"])
      try #require(copied.status == 0, "\(copied.errors)")
      return try bench.start(["xz", "-9", "-e", "-T1", "-c", input])
    case .openssl:
      // Of these, the first two are assembly written by hand.
      return try bench.start(["sh", "-c", "exec openssl speed -seconds 4 sha256 sha512 aes-256-cbc rsa2048"])
    case .python:
      let script = """
        def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
        while True: sorted(str(fib(n)) for n in range(20)); [x * x for x in map(float, range(1000))]
        """
      return try bench.start(["/usr/bin/python3", "-c", script])
    case .nginx: return try startNginx(bench)
    }
  }

  private func startNginx(_ bench: Workbench) throws -> RunningCommand {
    let port = 20_000 + Int(getpid()) % 20_000
    let configuration = """
      daemon off; master_process off; pid \(bench.path("nginx.pid")); error_log stderr;
      events { worker_connections 64; }
      http {
        access_log off; gzip on; gzip_min_length 1; gzip_types *;
        client_body_temp_path \(bench.path("body")); proxy_temp_path \(bench.path("proxy"));
        fastcgi_temp_path \(bench.path("fastcgi")); uwsgi_temp_path \(bench.path("uwsgi"));
        scgi_temp_path \(bench.path("scgi"));
        server { listen 127.0.0.1:\(port); root \(bench.directory.path); }
      }
      """
    let file = bench.path("nginx.conf")
    try configuration.write(toFile: file, atomically: true, encoding: .utf8)
    try String(repeating: "a line of text that compresses\n", count: 2000)
      .write(toFile: bench.path("index.html"), atomically: true, encoding: .utf8)
    let server = try bench.start(["/usr/sbin/nginx", "-p", bench.directory.path, "-c", file])
    try waitUntil("nginx to listen") { FileManager.default.fileExists(atPath: bench.path("nginx.pid")) }
    _ = try bench.start(["wrk", "-t1", "-c4", "-d100s", "-H", "Accept-Encoding: gzip", "http://127.0.0.1:\(port)/"])
    return server
  }
}
