package import Comparison
import ProfileModel

/// A check as one JSON object.
package enum CheckJSON {
  /// Raised when a reader of the older form would misread the newer one; new keys do not raise it.
  private static let version = 1

  /// - Parameter schema: what the document calls itself.
  package static func render(_ check: Check, schema: String = "swprof.check") -> String {
    let wording = CheckWording(check: check)
    var writer = JSONWriter()
    writer.object { writer in
      writer.key("schema")
      writer.string(schema)
      writer.key("version")
      writer.integer(version)
      writer.key("verdict")
      writer.string(check.verdict.rawValue)
      writer.key("summary")
      writer.string(wording.verdict)
      writer.key("reasons")
      writer.strings(check.reasons)
      writer.key("runs_needed")
      if let runs = check.runsNeeded { writer.integer(runs) } else { writer.null() }
      writer.key("unit")
      writer.string(check.unit)
      side("base", check.runs.base, check.samples.base, &writer)
      side("new", check.runs.new, check.samples.new, &writer)
      limits(check, &writer)
      writer.key("findings")
      writer.array { writer in
        for finding in check.findings { self.finding(finding, wording, &writer) }
      }
      writer.key("total")
      total(check, &writer)
      writer.key("common_factor")
      writer.decimal(check.test.commonFactor, digits: 4)
      writer.key("functions")
      writer.array { writer in
        for result in check.test.results { function(result, &writer) }
      }
      writer.key("notes")
      writer.strings(wording.notes)
    }
    return writer.text + "\n"
  }

  private static func side(_ name: String, _ runs: Int, _ samples: UInt64, _ writer: inout JSONWriter) {
    writer.key(name)
    writer.object(isInline: true) { writer in
      writer.key("runs")
      writer.integer(runs)
      writer.key("samples")
      writer.integer(samples)
    }
  }

  private static func limits(_ check: Check, _ writer: inout JSONWriter) {
    writer.key("limits")
    writer.object(isInline: true) { writer in
      writer.key("alpha")
      writer.decimal(check.options.limits.alpha, digits: 4)
      writer.key("growth_percent")
      writer.decimal(100 * check.options.limits.growth, digits: 2)
      writer.key("impact_percent")
      writer.decimal(100 * check.options.limits.impact, digits: 2)
      writer.key("total_growth_percent")
      writer.decimal(100 * check.options.totalGrowth, digits: 2)
    }
  }

  private static func total(_ check: Check, _ writer: inout JSONWriter) {
    writer.object(isInline: true) { writer in
      writer.key("is_tested")
      writer.bool(check.total != nil)
      guard let total = check.total else {
        writer.key("reason")
        return writer.string(check.totalObstacle)
      }
      writer.key("base")
      writer.decimal(total.base, digits: 2)
      writer.key("new")
      writer.decimal(total.new, digits: 2)
      writer.key("growth_percent")
      writer.decimal(100 * total.growth, digits: 2)
      writer.key("p")
      writer.decimal(total.p, digits: 6)
      writer.key("detectable_percent")
      writer.decimal(100 * total.detectable, digits: 2)
      writer.key("is_regression")
      writer.bool(check.isTotalRegression)
    }
  }

  private static func finding(_ finding: Check.Finding, _ wording: CheckWording, _ writer: inout JSONWriter) {
    writer.object { writer in
      writer.key("kind")
      writer.string(
        finding.acceptance != nil ? "accepted" : finding.movement != nil ? "moved" : "regression")
      writer.key("function")
      writer.string(finding.result.key.name)
      writer.key("module")
      writer.string(finding.result.key.module)
      writer.key("file")
      writer.string(finding.source?.file)
      writer.key("line")
      if let line = finding.source?.line { writer.integer(line) } else { writer.null() }
      writer.key("caller")
      writer.string(finding.caller?.name)
      writer.key("caller_growth_percent")
      if let growth = finding.callerGrowth { writer.decimal(100 * growth, digits: 2) } else { writer.null() }
      writer.key("moved_from")
      writer.string(finding.movement?.from.name)
      writer.key("accepted_until")
      writer.string(finding.acceptance?.lastDay)
      writer.key("sentence")
      writer.string(wording.sentence(finding))
    }
  }

  static func function(_ result: RegressionTest.Result, _ writer: inout JSONWriter) {
    writer.object(isInline: true) { writer in
      writer.key("kind")
      writer.string(CheckWording.kind(result.key))
      writer.key("name")
      writer.string(result.key.name)
      writer.key("module")
      writer.string(result.key.module)
      writer.key("base_samples")
      writer.integer(result.base.samples)
      writer.key("new_samples")
      writer.integer(result.new.samples)
      writer.key("base_percent")
      writer.decimal(100 * result.base.share, digits: 3)
      writer.key("new_percent")
      writer.decimal(100 * result.new.share, digits: 3)
      writer.key("growth_percent")
      writer.decimal(100 * result.growth, digits: 2)
      writer.key("growth_from_percent")
      writer.decimal(100 * result.lowestGrowth, digits: 2)
      writer.key("growth_to_percent")
      writer.decimal(100 * result.highestGrowth, digits: 2)
      writer.key("p")
      writer.decimal(result.p, digits: 6)
      writer.key("dispersion")
      writer.decimal(result.dispersion, digits: 3)
      writer.key("detectable_percent")
      writer.decimal(100 * result.detectable, digits: 2)
      writer.key("is_regression")
      writer.bool(result.isRegression)
    }
  }
}

extension CheckWording {
  static func kind(_ key: FunctionKey) -> String {
    switch key.kind {
    case .function: "function"
    case .module: "module"
    case .subtree: "subtree"
    }
  }
}
