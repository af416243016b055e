package import ProfileModel

/// Who talks to whom as one SVG file that needs nothing else: clients left, servers right.
///
/// Names are hostile: they come from the network and from processes. They are escaped and freed of control characters.
/// Equal input gives equal bytes.
package enum NetworkMap {
  package static func render(_ task: ProfilingTask, _ profile: NetworkProfile, title: String) -> String {
    document(task, profile, title: title, style: "<style><![CDATA[\n\(WebFile.networkMapStyle)]]></style>")
  }

  /// The picture for a page that has its style already.
  static func picture(_ task: ProfilingTask, _ profile: NetworkProfile, title: String) -> String {
    document(task, profile, title: title, style: "")
  }

  /// - Parameter style: an element, or nothing.
  static func document(
    _ task: ProfilingTask, _ profile: NetworkProfile, title: String, style: String
  ) -> String {
    NetworkDrawing(
      graph: NetworkGraph(profile), title: title, summary: NetworkVerdict.sentence(task, profile),
      source: NetworkText.source(profile.source), elapsedNanoseconds: task.elapsedNanoseconds
    ).document(style: style)
  }
}
