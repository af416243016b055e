package import Comparison
package import ProfileModel
package import Storage

/// Loads the profiles that a command compares: a number names a stored task, anything else a file.
package struct ProfileLoader {
  private let openStore: () throws -> TaskStore
  private let event: String?

  /// - Parameters:
  ///   - event: which event of a file is read; nil for its main one.
  ///   - openStore: called for tasks only.
  package init(event: String?, openStore: @escaping () throws -> TaskStore) {
    self.event = event
    self.openStore = openStore
  }

  /// Both sides of a comparison: two profiles, or a file that has both.
  package func sides(_ base: String, _ new: String?) throws -> (before: ComparedSide, after: ComparedSide) {
    if let new { return (try side([base]), try side([new])) }
    let imported = TaskID(reading: base) == nil ? try ProfileFile.read(base, event: event) : nil
    guard let sides = imported?.sides(name: base) else {
      throw LoadingError("'\(base)' is one profile; name the one to compare it with as well", .unsuitable)
    }
    return sides
  }

  /// One side, with the runs of all arguments.
  package func side(_ arguments: [String]) throws -> ComparedSide {
    var side = ComparedSide()
    for argument in arguments {
      if let id = TaskID(reading: argument) { try addTask(id, to: &side) } else { try addFile(argument, to: &side) }
    }
    return side
  }

  private func addTask(_ id: TaskID, to side: inout ComparedSide) throws {
    let store = try openStore()
    let task = try store.task(id)
    guard task.status == .done else {
      throw LoadingError("task \(id) has no profile, it is \(task.status.rawValue)", .notFound)
    }
    guard task.kind != .network else {
      throw LoadingError(
        "task \(id) is a network task, which has no stacks to compare; see 'swprof report \(id)'", .unsuitable)
    }
    side.add(task, try store.profile(of: id), name: "task \(id)")
  }

  private func addFile(_ path: String, to side: inout ComparedSide) throws {
    let imported = try ProfileFile.read(path, event: event)
    guard imported.base == nil else {
      throw LoadingError(
        "'\(path)' is a difference, with two counts for each stack: give it alone to 'swprof diff'", .unsuitable)
    }
    side.add(imported, imported.runs, name: path)
  }
}

extension TaskID {
  /// - Returns: nil where the text is no number of a task.
  package init?(reading text: String) {
    guard let number = Int64(text), number > 0 else { return nil }
    self.init(rawValue: number)
  }
}
