/// The name of a map. The build plugin writes an enum of them for each object.
package protocol MapName: Sendable {
  var rawValue: String { get }
}

/// The name of a program. The build plugin writes an enum of them for each object.
package protocol ProgramName: Sendable {
  var rawValue: String { get }
}

/// The section of constants that user space sets before loading. The build plugin writes an enum of them for each object.
package protocol ConstantsName: Sendable {
  var rawValue: String { get }
}
