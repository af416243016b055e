import CommandRunning
import Foundation
import Testing

extension EndToEnd.NetworkTests {
  // Needs the kernel's module sch_netem, which the machines of scripts/vm-test have.

  @Test func `a link that delays and loses packets shows as the kernel measures it`() throws {
    let (program, listener) = (try bench.compile("http_client"), try bench.compile("http_server"))
    // A packet to oneself takes the queue once, so there and back is 20 ms.
    let link = "ip link set lo up mtu 1500 && tc qdisc add dev lo root netem delay 10ms loss 5%"
    let server = try bench.start(["unshare", "--net", "sh", "-c", "\(link) && exec \(listener) 127.0.0.1"])
    let port = try server.waitForLine(startingWith: "ready").dropFirst("ready ".count)
    let within = ["nsenter", "--target", "\(server.pid)", "--net"]
    let client = try bench.startWorkload(within + [program, "-w", "-o", String(port), "/big*2"])
    // A connection on another link, which must not be charged with any of it.
    let other = try bench.startServer()
    let bystander = try bench.startWorkload([program, "-w", "-o", other.place, "/big*2"])

    let capture = try bench.startNetwork(["--pid", "\(server.pid),\(client.pid),\(other.pid),\(bystander.pid)"])
    let truth = try bench.finish(client: client)
    _ = try bench.finish(client: bystander)
    let sockets = try socketsOnceAcknowledged(at: port, within)
    let counters = try bench.run(within + ["nstat", "-az", "TcpRetransSegs"]).output
    let view = try bench.finish(capture)

    let edge = try #require(view.edges(client: client.pid, server: server.pid).first)
    let totals = try #require(edge.serverView)
    #expect(totals.bytesSent == truth["bytes_received"])
    // Where segments leave as one packet, it is left to chance whether any is lost; none is not shown.
    let retransmits = sockets.contains("retrans:") ? try number(in: sockets, "retrans:\\d+/(\\d+)") : 0
    #expect(totals.retransmits == Int(retransmits))
    let ofNamespace = try number(in: counters, "TcpRetransSegs +(\\d+)")
    #expect(totals.retransmits + (edge.clientView?.retransmits ?? 0) == Int(ofNamespace))
    let roundTrip = try number(in: sockets, " rtt:([\\d.]+)/")
    let shown = (totals.roundTrip.meanNs ?? 0) / 1e6
    #expect(abs(shown / roundTrip - 1) <= 0.1)
    #expect(shown >= 19)
    let connect = (edge.clientView?.connectTime.meanNs ?? 0) / 1e6
    // A SYN that is lost is sent again after a second.
    #expect(connect >= 19)
    let untouched = try #require(view.edges(client: bystander.pid, server: other.pid).first?.serverView)
    #expect(untouched.retransmits == 0)
  }
}
