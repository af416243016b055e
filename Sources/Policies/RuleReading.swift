import ProfileModel

extension PolicyReading {
  private static let longestPeriod = 3600
  private static let keys = [
    "metric", "threshold", "period", "count", "uri", "errors", "normalize", "below", "refire",
  ]

  func rule(_ setting: Setting) -> Rule? {
    guard let group = setting.group(keys: Self.keys, "a group of keys with metric, threshold, period and count") else {
      return nil
    }
    let metric = group.required("metric", "what is looked at, as process_cpu")?.choice(Metric.allCases.map(\.rawValue))
      .flatMap(Metric.init)
    let threshold = group.required("threshold", "a number above 0")?.positiveNumber()
    let period = group.required("period", "a time, as 10s")?.seconds(in: 1...Self.longestPeriod)
    let count = count(group, period: period)
    let uri = group["uri"].flatMap(uri)
    let errors = group["errors"]?.choice(["5xx", "4xx+5xx"])
    let normalization = group["normalize"]?.choice(["host"])
    let refire = group["refire"]?.choice(["worse"])
    let isBelow = group["below"]?.flag() ?? false
    if let metric { checkPlaces(group, metric: metric, threshold: threshold) }
    guard let metric, let threshold, let period, let count else { return nil }
    var rule = Rule(
      Measure(metric, uri: uri, countsClientErrors: errors == "4xx+5xx"), threshold: threshold, periodSeconds: period,
      count: count)
    rule.isBelow = isBelow
    rule.isNormalized = normalization != nil
    rule.refiresWhenWorse = refire != nil
    return rule
  }

  private func count(_ group: SettingGroup, period: Int?) -> Int? {
    guard let setting = group.required("count", "how many seconds of the period have to match"),
      let count = setting.integer(in: 1...Self.longestPeriod)
    else { return nil }
    if let period, count > period {
      return setting.reject("count \(count) is over period \(period)s; count at most \(period)")
    }
    return count
  }

  private func uri(_ setting: Setting) -> URIFilter? {
    guard let group = setting.group(keys: ["regex", "list"], "{ regex: '^/api/' } or { list: [/cart, /pay] }") else {
      return nil
    }
    switch (group["regex"], group["list"]) {
    case (let regex?, nil):
      return regex.text("a regular expression").flatMap { regex.pattern($0) }.map(URIFilter.pattern)
    case (nil, let list?):
      let paths = list.list()?.compactMap { $0.text("a path") }
      return paths.map(URIFilter.list)
    case (nil, nil): return setting.reject("'uri' is empty; give 'regex' or 'list'")
    case (_?, _?): return setting.reject("'uri' has both 'regex' and 'list'; give one of them")
    }
  }

  /// Options that go with some metrics only, and thresholds that no value reaches.
  private func checkPlaces(_ group: SettingGroup, metric: Metric, threshold: Double?) {
    if !metric.isHTTP { group.refuse(["uri"], because: "it goes with metrics of requests, as http_error_rate") }
    if metric != .httpErrorRate { group.refuse(["errors"], because: "it goes with http_error_rate") }
    if metric != .processCPU { group.refuse(["normalize"], because: "it goes with process_cpu") }
    let highest = group["normalize"] != nil && metric == .processCPU ? 100 : metric.highest
    if let threshold, let highest, threshold > highest {
      group["threshold"]?.report("'threshold' is above \(Int(highest)) \(metric.unit), which no value is; give less")
    }
  }
}
