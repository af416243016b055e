package import Comparison

/// A check as a JUnit test report: a test case for everything that was tested, and one for whole runs.
package enum CheckJUnit {
  package static func render(_ check: Check) -> String {
    let wording = CheckWording(check: check)
    var cases: [String] = []
    var failures = 0
    var skipped = 0
    if check.verdict == .notComparable {
      cases.append(testCase("comparison", "skipped", check.reasons.joined(separator: "; ")))
      skipped += 1
    } else {
      if check.verdict == .inconclusive {
        cases.append(testCase("comparison", "skipped", "inconclusive: \(check.reasons.joined(separator: "; "))"))
        skipped += 1
      }
      let blind = check.verdict == .inconclusive ? Set(check.blind.map(\.key)) : []
      let failed = Dictionary(
        wording.failures.map { ($0.result.key, $0) }, uniquingKeysWith: { first, _ in first })
      for result in check.test.results.sorted(by: { $0.key < $1.key }) {
        // Readers take the first of two cases of one name.
        let name = [result.key.name, result.key.module].compactMap { $0 }.joined(separator: " in ")
        if let finding = failed[result.key] {
          cases.append(testCase(name, "failure", wording.sentence(finding)))
          failures += 1
        } else if blind.contains(result.key) {
          let missed = "inconclusive: growth below \(CheckWording.plain(result.detectable)) could have been missed"
          cases.append(testCase(name, "skipped", missed))
          skipped += 1
        } else {
          cases.append(testCase(name, nil, nil))
        }
      }
      if check.isTotalRegression {
        cases.append(testCase("whole runs", "failure", wording.total))
        failures += 1
      } else if check.total == nil {
        cases.append(testCase("whole runs", "skipped", wording.total))
        skipped += 1
      } else {
        cases.append(testCase("whole runs", nil, nil))
      }
    }
    let counts = "tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"0\" skipped=\"\(skipped)\""
    let output = CheckText.render(check)
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites \(counts)>
      <testsuite name="swprof check" \(counts)>
      \(cases.joined(separator: "\n"))
      <system-out>\(lines(output))</system-out>
      </testsuite>
      </testsuites>

      """
  }

  private static func testCase(_ name: String, _ outcome: String?, _ message: String?) -> String {
    let start = "<testcase classname=\"swprof.check\" name=\"\(XMLText.escaped(name))\""
    guard let outcome, let message else { return start + "/>" }
    return "\(start)><\(outcome) message=\"\(XMLText.escaped(message))\"/></testcase>"
  }

  private static func lines(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { XMLText.escaped($0) }.joined(separator: "\n")
  }
}
