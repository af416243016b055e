import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  @Suite struct InlineTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `inlined functions of a C++ program stand under their callers`() throws {
      let program = try bench.compileWithoutFramePointers("inlined", "cpp", options: ["-g"])
      let chain = [
        "app::run(app::Mixer&, unsigned long)", "app::Mixer::round(unsigned long)_[i]",
        "app::Mixer::mix(unsigned long)_[i]",
      ]

      let stacks = try capture(program)

      // The rest is the loop around it, which is part of `round`.
      #expect(stacks.percentage { $0.userFrames.suffix(3).elementsEqual(chain) } >= 50)
      #expect(stacks.percentage { Set(chain.prefix(2)).isSubset(of: $0.userFrames) } >= 95)
      #expect(stacks.percentage { $0.userFrames.contains("main") } >= 99)
    }

    @Test func `the lines of a C++ program are those of its source`() throws {
      let program = try bench.compileWithoutFramePointers("inlined", "cpp", options: ["-g"])
      func line(_ mark: String) throws -> String { "(inlined.cpp:\(try lineNumber(of: mark, in: "inlined.cpp")))" }
      let chain = [
        "main \(try line("call of run"))", "app::run(app::Mixer&, unsigned long) \(try line("call of round"))",
        "app::Mixer::round(unsigned long) \(try line("call of mix"))_[i]",
        "app::Mixer::mix(unsigned long) \(try line("mix"))_[i]",
      ]

      let stacks = try capture(program, ["--lines"])

      #expect(stacks.percentage { $0.userFrames.suffix(4).elementsEqual(chain) } >= 50)
    }

    @Test func `inlined functions of a Swift program stand under their callers, at their lines`() throws {
      let program = try bench.compileSwift("inlined", options: ["-g"])
      func line(_ mark: String) throws -> String { "(inlined.swift:\(try lineNumber(of: mark, in: "inlined.swift")))" }
      let run = try line("call of round")
      let round = "inlined.Mixer.round(Swift.UInt64) -> Swift.UInt64 \(try line("call of mix"))_[i]"
      let mix = "inlined.Mixer.mix(Swift.UInt64) -> Swift.UInt64 \(try line("mix"))_[i]"

      let stacks = try capture(program, ["--lines"])

      #expect(
        stacks.percentage { stack in
          let frames = Array(stack.userFrames.suffix(3))
          return frames.count == 3 && frames[0].hasSuffix("run(inlined.Mixer, Swift.UInt64) -> Swift.UInt64 \(run)")
            && frames[1] == round && frames[2] == mix
        } >= 50)
    }

    @Test(arguments: [["-ldflags=-s -w"], ["-ldflags=-s -w", "-buildmode=pie"]])
    func `functions of a stripped Go program have names, lines and inlined functions`(options: [String]) throws {
      let program = try bench.compileGo("inlined_go", options: options)
      func line(_ mark: String) throws -> String {
        "(inlined_go.go:\(try lineNumber(of: mark, in: "inlined_go.go")))"
      }
      let chain = [
        "main.main \(try line("call of run"))", "main.(*mixer).run \(try line("call of mix"))",
        "main.(*mixer).mix \(try line("mix"))_[i]",
      ]

      let stacks = try capture(program, ["--lines"])

      // The rest is the loop around it, and a tick may hit the runtime.
      #expect(stacks.percentage { $0.userFrames.suffix(3).elementsEqual(chain) } >= 50)
      #expect(stacks.percentage { !($0.userFrames.last?.hasPrefix("[") ?? false) } >= 99)
    }

    @Test(arguments: ["-gdwarf-4", "-gdwarf-5"])
    func `inlined functions of a program with split debugging information stand under their callers`(
      format: String
    ) throws {
      let program = try bench.compileWithoutFramePointers(
        "inlined", "cpp", options: ["-g", format, "-gsplit-dwarf"])
      // GCC puts it beside the program that it makes.
      try PrecompiledWorkloads.current?.carry(bench.path("inlined-inlined.dwo"), "inlined.dwo \(format)")
      func line(_ mark: String) throws -> String { "(inlined.cpp:\(try lineNumber(of: mark, in: "inlined.cpp")))" }
      let chain = [
        "app::run(app::Mixer&, unsigned long) \(try line("call of round"))",
        "app::Mixer::round(unsigned long) \(try line("call of mix"))_[i]",
        "app::Mixer::mix(unsigned long) \(try line("mix"))_[i]",
      ]

      let stacks = try capture(program, ["--lines"])

      #expect(stacks.percentage { $0.userFrames.suffix(3).elementsEqual(chain) } >= 50)
    }

    private func capture(_ program: String, _ options: [String] = []) throws -> FoldedStacks {
      let workload = try bench.startWorkload([program])
      defer { workload.kill() }
      return try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s", "--user"] + options)
    }

    /// The number of the line that ends in `// line: MARK`.
    private func lineNumber(of mark: String, in name: String) throws -> Int {
      let text = try String(contentsOfFile: bench.workload(name), encoding: .utf8)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      return try #require(lines.firstIndex { $0.hasSuffix("// line: \(mark)") }) + 1
    }
  }
}
