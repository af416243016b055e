/// Where the boxes, labels and lines of a map lie, as numbers.
///
/// Clients stand left of their servers. Boxes and labels stand in columns by turns: a label lies beside its client's
/// column, and a line that has further to go keeps a free row in every column that it passes. So neither boxes nor labels
/// overlap, and no line runs through a box or a label that is not its own.
struct NetworkLayout {
  struct Size: Equatable {
    var width: Double
    var height: Double
  }

  struct Point: Equatable {
    var x: Double
    var y: Double
  }

  struct Rectangle: Equatable {
    var x: Double
    var y: Double
    var width: Double
    var height: Double

    var right: Double { x + width }
    var bottom: Double { y + height }
    var middle: Double { y + height / 2 }

    func overlaps(_ other: Rectangle) -> Bool {
      x < other.right && other.x < right && y < other.bottom && other.y < bottom
    }
  }

  struct Link {
    var client: Int
    var server: Int
    var label: Size
  }

  /// The way of a line: by turns a curve, and a straight piece within a column.
  struct Path: Equatable {
    var points: [Point]
    /// Whether the first point is the server's: the link leads back to the left.
    var isBackward: Bool
  }

  private(set) var boxes: [Rectangle] = []
  private(set) var labels: [Rectangle] = []
  private(set) var paths: [Path] = []
  private(set) var width = 0.0
  private(set) var height = 0.0

  /// Between columns, for curves.
  private static let columnGap = 44.0
  private static let boxGap = 14.0
  private static let labelGap = 10.0
  /// The row of a line that passes a column.
  private static let passageHeight = 8.0

  init(boxes: [Size], links: [Link]) {
    guard !boxes.isEmpty else { return }
    var columns = NetworkColumns(nodeCount: boxes.count, links: links.map { ($0.client, $0.server) })
    columns.order()
    let sizes = columns.items.map { item in
      switch item.content {
      case .box(let node): boxes[node]
      case .label(let link): links[link].label
      case .passage: Size(width: 0, height: Self.passageHeight)
      }
    }
    let rectangles = place(columns, sizes)
    self.boxes = columns.boxItems.map { rectangles[$0] }
    labels = columns.labelItems.enumerated().map { link, item in
      // A label stands in the middle of its column.
      let column = rectangles[item]
      let label = links[link].label
      return Rectangle(
        x: column.x + (column.width - label.width) / 2, y: column.y, width: label.width, height: label.height)
    }
    paths = routes(columns, rectangles)
  }

  // MARK: - Places

  /// The rectangle of each item, as wide as its column.
  private mutating func place(_ columns: NetworkColumns, _ sizes: [Size]) -> [Rectangle] {
    var middles = [Double](repeating: 0, count: sizes.count)
    for column in columns.columns { Self.settle(column, columns, sizes, &middles) { _ in nil } }
    // To and fro, so that what is linked stands at one height where there is room.
    for round in 0..<16 {
      let isForward = round % 2 == 0
      for column in isForward ? Array(columns.columns.indices) : columns.columns.indices.reversed() {
        let before = middles
        Self.settle(columns.columns[column], columns, sizes, &middles) { item in
          let side = isForward ? columns.left[item] : columns.right[item]
          return Self.mean(of: round < 8 ? side : columns.neighbors(of: item), columns, before)
        }
      }
    }
    let top = middles.indices.map { middles[$0] - sizes[$0].height / 2 }.min() ?? 0
    var rectangles = [Rectangle](repeating: Rectangle(x: 0, y: 0, width: 0, height: 0), count: sizes.count)
    for column in columns.columns {
      let columnWidth = column.map { sizes[$0].width }.max() ?? 0
      for item in column {
        let y = middles[item] - sizes[item].height / 2 - top
        rectangles[item] = Rectangle(x: width, y: y, width: columnWidth, height: sizes[item].height)
        height = max(height, y + sizes[item].height)
      }
      width += columnWidth + Self.columnGap
    }
    width -= Self.columnGap
    return rectangles
  }

  /// The middle of what an item is linked with; who has many links has less to say, so that a label stands level with
  /// the end that has no other.
  private static func mean(of items: [Int], _ columns: NetworkColumns, _ middles: [Double]) -> Double? {
    var (sum, weights) = (0.0, 0.0)
    for item in items {
      let weight = 1 / Double(columns.neighbors(of: item).count)
      sum += weight * middles[item]
      weights += weight
    }
    return weights > 0 ? sum / weights : nil
  }

  /// Moves the items of a column as near to where they are wanted as their order and sizes allow: least squares under
  /// minimal distances, by pooling neighbors that are in each other's way.
  private static func settle(
    _ column: [Int], _ columns: NetworkColumns, _ sizes: [Size], _ middles: inout [Double],
    wanted: (Int) -> Double?
  ) {
    // Distances from the first item when all stand as close as they may.
    var offsets: [Double] = []
    for (index, item) in column.enumerated() {
      guard index > 0 else {
        offsets.append(0)
        continue
      }
      let previous = column[index - 1]
      let gap = columns.isBox(item) || columns.isBox(previous) ? boxGap : labelGap
      offsets.append(offsets[index - 1] + sizes[previous].height / 2 + gap + sizes[item].height / 2)
    }
    var pools: [(sum: Double, count: Int)] = []
    for (index, item) in column.enumerated() {
      pools.append(((wanted(item) ?? middles[item]) - offsets[index], 1))
      while pools.count > 1 {
        let (last, previous) = (pools[pools.count - 1], pools[pools.count - 2])
        guard previous.sum / Double(previous.count) > last.sum / Double(last.count) else { break }
        pools.removeLast(2)
        pools.append((previous.sum + last.sum, previous.count + last.count))
      }
    }
    var index = 0
    for pool in pools {
      for _ in 0..<pool.count {
        middles[column[index]] = pool.sum / Double(pool.count) + offsets[index]
        index += 1
      }
    }
  }

  // MARK: - Lines

  /// Where a line meets a box: sorted by where it comes from, so that lines cross as little as they can.
  private struct Port {
    let link: Int
    let isLeftEnd: Bool
    let isReturn: Bool
    let comesFrom: Double
  }

  private func routes(_ columns: NetworkColumns, _ rectangles: [Rectangle]) -> [Path] {
    var leftPorts: [Int: [Port]] = [:]
    var rightPorts: [Int: [Port]] = [:]
    for (link, chain) in columns.chains.enumerated() {
      let first = rectangles[chain.items[1]].middle
      rightPorts[chain.items[0], default: []].append(
        Port(link: link, isLeftEnd: true, isReturn: false, comesFrom: first))
      if chain.isLoop {
        rightPorts[chain.items[0], default: []].append(
          Port(link: link, isLeftEnd: true, isReturn: true, comesFrom: first + 0.1))
      } else {
        let last = rectangles[chain.items[chain.items.count - 2]].middle
        leftPorts[chain.items[chain.items.count - 1], default: []].append(
          Port(link: link, isLeftEnd: false, isReturn: false, comesFrom: last))
      }
    }
    var starts = [Point](repeating: Point(x: 0, y: 0), count: columns.chains.count)
    var ends = starts
    for (ports, isRight) in [(rightPorts, true), (leftPorts, false)] {
      for (item, ports) in ports {
        let box = rectangles[item]
        let sorted = ports.sorted { ($0.comesFrom, $0.link) < ($1.comesFrom, $1.link) }
        for (index, port) in sorted.enumerated() {
          let y = box.y + box.height * Double(index + 1) / Double(sorted.count + 1)
          let point = Point(x: isRight ? box.right : box.x, y: y)
          if port.isLeftEnd, !port.isReturn { starts[port.link] = point } else { ends[port.link] = point }
        }
      }
    }
    return columns.chains.enumerated().map { link, chain in
      let inner: [Point]
      if chain.isLoop {
        let label = rectangles[chain.items[1]]
        inner = [Point(x: label.x, y: label.middle - 5), Point(x: label.x, y: label.middle + 5)]
      } else {
        inner = chain.items.dropFirst().dropLast().flatMap { item in
          let place = rectangles[item]
          return [Point(x: place.x, y: place.middle), Point(x: place.right, y: place.middle)]
        }
      }
      return Path(points: [starts[link]] + inner + [ends[link]], isBackward: chain.isBackward)
    }
  }
}
