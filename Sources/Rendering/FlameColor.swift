import ProfileModel

/// What a graph shows, by which its colors are chosen: warm where CPUs work, cool where threads wait.
package enum FlamePalette: Sendable {
  case onCPU
  case offCPU
}

/// A family of colors: what a box is shows in its family, its name only in the shade, so that a function looks the same
/// in every graph.
enum FlameColor: String, CaseIterable {
  case label = "a"
  case user = "u"
  case kernel = "k"
  case jit = "j"
  case interpreted = "p"
  case inlined = "i"
  case unresolved = "x"
  case marker = "m"
  case same = "s"
  case more = "o"
  case less = "b"

  static let shadeCount = 8

  /// What a legend calls it; nil for what needs none.
  var name: String? {
    switch self {
    case .label: nil
    case .user: "native"
    case .kernel: "kernel"
    case .jit: "JIT"
    case .interpreted: "interpreted"
    case .inlined: "inlined"
    case .unresolved: "no name"
    case .marker: "mark"
    case .same: "as before"
    case .more: "more"
    case .less: "less"
    }
  }

  init(_ kind: FrameLabel.Kind) {
    switch kind {
    case .all, .process, .thread: self = .label
    case .function(.kernel, _): self = .kernel
    case .function(.jit, _): self = .jit
    case .function(.interpreted, _): self = .interpreted
    case .function(.unresolved, _): self = .unresolved
    case .function(.marker, _): self = .marker
    case .function(.user, let isInlined), .function(.interpreterNative, let isInlined):
      self = isInlined ? .inlined : .user
    case .change(let level): self = level == 0 ? .same : level > 0 ? .more : .less
    }
  }

  /// The class of a box: its family and shade.
  static func styleClass(of label: FrameLabel) -> String {
    if case .change(let level) = label.kind { return "\(FlameColor(label.kind).rawValue)\(min(7, abs(level)))" }
    return "\(FlameColor(label.kind).rawValue)\(shade(of: label.name))"
  }

  /// FNV-1a (32 bits), its high bits: the standard library's hash differs from run to run.
  private static func shade(of name: String) -> Int {
    let hash = name.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    return Int((hash ^ hash >> 15) % UInt32(shadeCount))
  }

  /// Red, green and blue at both ends of the family.
  private typealias Ends = (from: [Int], to: [Int])

  private var light: Ends {
    switch self {
    case .label: ([214, 218, 224], [196, 202, 210])
    case .user: ([246, 130, 104], [250, 186, 120])
    case .kernel: ([240, 170, 60], [250, 206, 110])
    case .jit: ([120, 200, 120], [170, 224, 130])
    case .interpreted: ([190, 150, 232], [222, 186, 244])
    case .inlined: ([96, 200, 196], [150, 222, 214])
    case .unresolved: ([188, 170, 164], [212, 198, 192])
    case .marker: ([176, 176, 176], [200, 200, 200])
    case .same: ([226, 228, 232], [226, 228, 232])
    case .more: ([255, 228, 196], [244, 124, 12])
    case .less: ([210, 226, 252], [48, 112, 232])
    }
  }

  private var dark: Ends {
    switch self {
    case .label: ([70, 74, 82], [84, 90, 98])
    case .user: ([142, 56, 40], [150, 84, 36])
    case .kernel: ([128, 84, 10], [146, 104, 24])
    case .jit: ([36, 96, 44], [62, 112, 40])
    case .interpreted: ([84, 52, 132], [110, 74, 152])
    case .inlined: ([16, 92, 94], [34, 110, 104])
    case .unresolved: ([92, 80, 76], [108, 96, 90])
    case .marker: ([88, 88, 88], [104, 104, 104])
    case .same: ([62, 66, 74], [62, 66, 74])
    case .more: ([92, 66, 40], [190, 88, 0])
    case .less: ([44, 60, 92], [30, 92, 214])
    }
  }

  /// The families that look otherwise where threads wait; nil for the others.
  private func waiting(isDark: Bool) -> Ends? {
    switch self {
    case .user: isDark ? ([32, 66, 140], [44, 92, 160]) : ([112, 160, 246], [160, 200, 250])
    case .kernel: isDark ? ([58, 62, 128], [84, 84, 150]) : ([160, 166, 240], [194, 196, 250])
    case .marker: isDark ? ([52, 74, 84], [66, 92, 104]) : ([168, 196, 208], [194, 216, 226])
    case .label, .jit, .interpreted, .inlined, .unresolved, .same, .more, .less: nil
    }
  }

  /// One rule for each shade.
  func rules(_ palette: FlamePalette, isDark: Bool) -> String {
    colors(palette, isDark: isDark).enumerated().map { ".\(rawValue)\($0){fill:\($1)}" }.joined()
  }

  /// The color of each shade: `#f68268`.
  func colors(_ palette: FlamePalette, isDark: Bool) -> [String] {
    let ends = (palette == .offCPU ? waiting(isDark: isDark) : nil) ?? (isDark ? dark : light)
    return (0..<Self.shadeCount).map { shade in
      let channels = zip(ends.from, ends.to).map { from, to in from + (to - from) * shade / (Self.shadeCount - 1) }
      return "#\(channels.map(Self.hexadecimal).joined())"
    }
  }

  private static func hexadecimal(_ channel: Int) -> String {
    String(0x100 + channel, radix: 16).dropFirst().description
  }
}
