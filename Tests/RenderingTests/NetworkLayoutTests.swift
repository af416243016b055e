import ProfileModel
import Testing

@testable import Rendering

@Suite struct NetworkLayoutTests {
  private typealias Layout = NetworkLayout

  private func layout(_ nodeCount: Int, _ links: [(Int, Int)]) -> NetworkLayout {
    NetworkLayout(
      boxes: (0..<nodeCount).map { Layout.Size(width: 80 + Double($0 % 3) * 40, height: 42) },
      links: links.enumerated().map { index, link in
        Layout.Link(
          client: link.0, server: link.1, label: Layout.Size(width: 90 + Double(index % 4) * 30, height: 34))
      })
  }

  private static let graphs: [(Int, [(Int, Int)])] = [
    (1, []), (1, [(0, 0)]), (2, [(0, 1)]), (2, [(0, 1), (1, 0)]), (2, [(0, 1), (0, 1), (0, 1)]),
    (3, [(0, 1), (1, 2), (2, 0)]), (4, [(0, 1), (1, 2), (2, 3), (0, 3), (0, 2)]),
    (6, [(0, 5), (1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]), (7, [(0, 1), (6, 1), (1, 2), (2, 3), (2, 4), (2, 5)]),
    (5, []),
  ]

  @Test(arguments: graphs)
  func `boxes and labels never overlap`(nodeCount: Int, links: [(Int, Int)]) {
    expectSound(layout(nodeCount, links), nodeCount, links)
  }

  @Test func `a hundred random graphs are sound`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      let nodeCount = Int.random(in: 1...25, using: &generator)
      let links = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        (Int.random(in: 0..<nodeCount, using: &generator), Int.random(in: 0..<nodeCount, using: &generator))
      }
      expectSound(layout(nodeCount, links), nodeCount, links)
    }
  }

  /// Nothing overlaps, all lies within the picture, and lines run through nothing that is not theirs.
  private func expectSound(_ layout: NetworkLayout, _ nodeCount: Int, _ links: [(Int, Int)]) {
    #expect(layout.boxes.count == nodeCount && layout.labels.count == links.count && layout.paths.count == links.count)
    let all = layout.boxes + layout.labels
    for (index, one) in all.enumerated() {
      let clashes = all[(index + 1)...].contains { one.overlaps($0) }
      #expect(!clashes, "\(links)")
      #expect(one.x > -0.01 && one.y > -0.01)
      #expect(one.right < layout.width + 0.01 && one.bottom < layout.height + 0.01)
    }
    for (link, path) in layout.paths.enumerated() {
      let (client, server) = links[link]
      let own = [layout.boxes[client], layout.boxes[server], layout.labels[link]]
      let strays = points(of: path).contains { point in
        all.contains { other in
          point.x > other.x + 0.5 && point.x < other.right - 0.5 && point.y > other.y + 0.5
            && point.y < other.bottom - 0.5 && !own.contains(other)
        }
      }
      #expect(!strays, "link \(link) of \(links)")
    }
  }

  /// Points along a line as it is drawn: curves whose control points lie half-way, and straight pieces.
  private func points(of path: NetworkLayout.Path) -> [NetworkLayout.Point] {
    zip(path.points, path.points.dropFirst()).enumerated().flatMap { index, piece in
      (0...20).map { step in
        let (from, to) = piece
        let t = Double(step) / 20
        let middle = (from.x + to.x) / 2
        let s = 1 - t
        guard index % 2 == 0 else {
          return Layout.Point(x: from.x + (to.x - from.x) * t, y: from.y + (to.y - from.y) * t)
        }
        return Layout.Point(
          x: s * s * s * from.x + 3 * s * s * t * middle + 3 * s * t * t * middle + t * t * t * to.x,
          y: s * s * s * from.y + 3 * s * s * t * from.y + 3 * s * t * t * to.y + t * t * t * to.y)
      }
    }
  }

  @Test func `clients stand left of their servers`() {
    let layout = layout(4, [(3, 2), (2, 1), (1, 0), (3, 0)])
    let x = layout.boxes.map(\.x)
    #expect(x[3] < x[2] && x[2] < x[1] && x[1] < x[0])
    #expect(layout.paths.allSatisfy { !$0.isBackward })
  }

  @Test func `a circle is broken at one link, whose line leads back`() {
    let layout = layout(3, [(0, 1), (1, 2), (2, 0)])
    #expect(layout.paths.count { $0.isBackward } == 1)
  }

  @Test func `one who only asks stands beside the one that it asks`() {
    // 4 asks the last of a chain only.
    let layout = layout(5, [(0, 1), (1, 2), (2, 3), (4, 3)])
    #expect(layout.boxes[4].x == layout.boxes[2].x)
  }

  @Test func `a chain of 10,000 is laid out without recursion`() {
    let layers = NetworkLayers(nodeCount: 10_000, links: (0..<9999).map { ($0, $0 + 1) })
    #expect(layers.layerOf == Array(0..<10_000))
  }
}

@Suite struct NetworkGraphTests {
  private func star(_ count: Int) -> NetworkProfile {
    var profile = NetworkProfile(
      source: Sample.network.source, nodes: [Sample.process(1, "server", isTarget: true)])
    for index in 1...count {
      profile.nodes.append(.remote(address: "10.0.\(index / 256).\(index % 256)", port: nil, name: nil))
      let isClient = index % 2 == 0
      let totals = Sample.totals(connections: 1, sent: UInt64(index) * 1000, received: 0)
      profile.edges.append(
        NetworkEdge(
          client: isClient ? index : 0, server: isClient ? 0 : index, transport: .tcp, speaks: .unknown,
          clientView: isClient ? nil : totals, serverView: isClient ? totals : nil))
    }
    return profile
  }

  @Test func `small graphs are drawn whole`() {
    let graph = NetworkGraph(star(59))
    #expect(graph.nodes.count == 60 && graph.edges.count == 59)
    #expect(graph.foldedCount == 0 && graph.hiddenEdgeCount == 0)
  }

  @Test func `the smallest nodes of a large graph become two boxes, and bytes stay`() {
    let profile = star(2000)
    let graph = NetworkGraph(profile)
    #expect(graph.nodes.count == 60)
    #expect(graph.foldedCount == 2001 - 58)
    #expect(graph.nodes.contains(.otherClients(971)) && graph.nodes.contains(.otherServers(972)))
    #expect(graph.nodes.first == .node(profile.nodes[0]))
    func bytes(_ edges: [NetworkEdge]) -> UInt64 { edges.reduce(0) { $0 + NetworkEdgeFigures($1).bytes } }
    #expect(bytes(graph.edges) == bytes(profile.edges))
  }

  @Test func `folding is said in the picture`() {
    let text = NetworkMap.render(Sample.networkTask, star(2000), title: "t")
    #expect(text.contains("the 1943 smallest nodes are drawn as others"))
    #expect(text.contains(">971 others</text>"))
  }

  @Test func `more edges than can be told apart lose the smallest`() {
    var profile = NetworkProfile(
      source: Sample.network.source, nodes: (0..<20).map { Sample.process($0, "p\($0)", isTarget: true) })
    for client in 0..<20 {
      for server in 0..<20 {
        profile.edges.append(
          NetworkEdge(
            client: client, server: server, transport: .tcp, speaks: .http2,
            clientView: Sample.totals(connections: 1, sent: UInt64(client * 20 + server), received: 0)))
      }
    }
    let graph = NetworkGraph(profile)
    #expect(graph.edges.count == 120 && graph.hiddenEdgeCount == 280)
    #expect(NetworkMap.render(Sample.networkTask, profile, title: "t").contains("the 280 smallest edges are not drawn"))
  }
}
