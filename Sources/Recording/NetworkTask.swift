package import Capture
package import ProfileModel
import Protocols

/// What a network capture takes from other parts: how paths and messages are shown, how protocols are told.
package enum NetworkTask {
  package static func options(
    _ parameters: NetworkOptions, tableCapacity: UInt32 = 1 << 16
  ) -> NetworkCapture.Options {
    let patterns = parameters.uris.compactMap { TextPattern($0) }
    let safePath = parameters.keepsContent ? PathRedaction.text : PathRedaction.withoutContent
    return NetworkCapture.Options(
      parameters: parameters,
      isListed: { path in patterns.isEmpty || patterns.contains { $0.finds(path) } },
      // An identifier is folded before it is taken for a secret, and where something behind it is cut.
      shownPath: { parameters.foldsIdentifiers ? PathFolding.fold(safePath(PathFolding.fold($0))) : safePath($0) },
      sampledPath: safePath,
      shownMessage: { HeaderRedaction.text($0) },
      speaks: { speaks($0) }, tableCapacity: tableCapacity)
  }

  private static func speaks(_ beginning: ConnectionBeginning) -> NetworkProtocol {
    let found = ProtocolDetector.detect(
      received: StreamBeginning(beginning.received, length: beginning.receivedLength),
      sent: StreamBeginning(beginning.sent, length: beginning.sentLength),
      transport: beginning.transport, localPort: beginning.localPort, remotePort: beginning.remotePort,
      isServer: beginning.isServer)
    guard let found, found.confidence == .strong || found.speaks == .tls else { return .unknown }
    return found.speaks
  }
}
