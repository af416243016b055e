/// The columns of a map: nodes in layers, and between two layers the labels of the links that begin in the left one.
struct NetworkColumns {
  enum Content: Equatable {
    case box(Int)
    case label(Int)
    /// A row that is kept free for a link.
    case passage(Int)
  }

  struct Item {
    let content: Content
    let column: Int
  }

  /// The items that a link runs through, from left to right.
  struct Chain {
    var items: [Int]
    /// Whether the server stands left of the client.
    var isBackward: Bool
    /// Whether client and server are the same.
    var isLoop: Bool
  }

  private(set) var items: [Item] = []
  /// Items from top to bottom.
  private(set) var columns: [[Int]] = []
  private(set) var chains: [Chain] = []
  /// Items by node, and by link.
  private(set) var boxItems: [Int] = []
  private(set) var labelItems: [Int] = []
  /// Items that a line joins to an item of the next column.
  private(set) var left: [[Int]] = []
  private(set) var right: [[Int]] = []

  init(nodeCount: Int, links: [(client: Int, server: Int)]) {
    let layers = NetworkLayers(nodeCount: nodeCount, links: links)
    columns = [[Int]](repeating: [], count: 2 * (layers.layerOf.max() ?? 0) + 1)
    // A loop of the last layer has its label behind it.
    if links.contains(where: { $0.client == $0.server && 2 * layers.layerOf[$0.client] + 1 == columns.count }) {
      columns.append([])
    }
    boxItems = layers.layerOf.enumerated().map { node, layer in add(.box(node), to: 2 * layer) }
    for (number, link) in links.enumerated() {
      let (client, server) = (layers.layerOf[link.client], layers.layerOf[link.server])
      let isBackward = server < client
      let from = isBackward ? link.server : link.client
      let to = isBackward ? link.client : link.server
      let label = add(.label(number), to: 2 * min(client, server) + 1)
      labelItems.append(label)
      var chain = Chain(items: [boxItems[from], label], isBackward: isBackward, isLoop: from == to)
      if !chain.isLoop {
        for column in 2 * min(client, server) + 2..<2 * max(client, server) {
          chain.items.append(add(.passage(number), to: column))
        }
        chain.items.append(boxItems[to])
      }
      for (one, next) in zip(chain.items, chain.items.dropFirst()) {
        right[one].append(next)
        left[next].append(one)
      }
      chains.append(chain)
    }
  }

  private mutating func add(_ content: Content, to column: Int) -> Int {
    items.append(Item(content: content, column: column))
    left.append([])
    right.append([])
    columns[column].append(items.count - 1)
    return items.count - 1
  }

  func isBox(_ item: Int) -> Bool {
    if case .box = items[item].content { return true }
    return false
  }

  func neighbors(of item: Int) -> [Int] { left[item] + right[item] }

  /// Puts the items of each column into an order with few crossings: by the mean place of their neighbors, to and fro.
  mutating func order() {
    var places = [Double](repeating: 0, count: items.count)
    func note(_ column: [Int]) {
      // As a share of the column, so that long and short columns compare.
      for (index, item) in column.enumerated() { places[item] = (Double(index) + 0.5) / Double(column.count) }
    }
    for column in columns { note(column) }
    for round in 0..<8 {
      let isForward = round % 2 == 0
      for column in isForward ? Array(columns.indices) : columns.indices.reversed() {
        let keys = columns[column].map { item -> Double in
          let neighbors = isForward ? left[item] : right[item]
          return neighbors.isEmpty
            ? places[item] : neighbors.reduce(0) { $0 + places[$1] } / Double(neighbors.count)
        }
        let sorted = columns[column].indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
        columns[column] = sorted.map { columns[column][$0] }
        note(columns[column])
      }
    }
  }
}

/// The layer of each node: clients left of their servers, as far as there are no circles.
struct NetworkLayers {
  private(set) var layerOf: [Int]

  init(nodeCount: Int, links: [(client: Int, server: Int)]) {
    layerOf = [Int](repeating: 0, count: nodeCount)
    var servers = [[Int]](repeating: [], count: nodeCount)
    var surplus = [Int](repeating: 0, count: nodeCount)
    for link in links where link.client != link.server {
      servers[link.client].append(link.server)
      surplus[link.client] += 1
      surplus[link.server] -= 1
    }
    let roots = (0..<nodeCount).sorted { (-surplus[$0], $0) < (-surplus[$1], $1) }
    let order = Self.topologicalOrder(servers, roots: roots)
    let rank = Self.ranks(order)
    for node in order {
      for server in servers[node] where rank[server] > rank[node] {
        layerOf[server] = max(layerOf[server], layerOf[node] + 1)
      }
    }
    // Who is nobody's server stands beside the first that it asks.
    var isServer = [Bool](repeating: false, count: nodeCount)
    for node in order {
      for server in servers[node] { isServer[server] = true }
    }
    for node in order where !isServer[node] {
      if let nearest = servers[node].map({ layerOf[$0] }).min() { layerOf[node] = max(0, nearest - 1) }
    }
  }

  private static func ranks(_ order: [Int]) -> [Int] {
    var ranks = [Int](repeating: 0, count: order.count)
    for (rank, node) in order.enumerated() { ranks[node] = rank }
    return ranks
  }

  /// Nodes so that links lead to later ones, but for those that close a circle: depth first, without recursion.
  private static func topologicalOrder(_ servers: [[Int]], roots: [Int]) -> [Int] {
    var isSeen = [Bool](repeating: false, count: servers.count)
    var finished: [Int] = []
    for root in roots where !isSeen[root] {
      var stack = [(node: root, next: 0)]
      isSeen[root] = true
      while let top = stack.last {
        guard top.next < servers[top.node].count else {
          finished.append(top.node)
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        let server = servers[top.node][top.next]
        if !isSeen[server] {
          isSeen[server] = true
          stack.append((server, 0))
        }
      }
    }
    return finished.reversed()
  }
}
