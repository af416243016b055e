import Glibc
import Importing
import LinuxSystem
import Pprof
package import ProfileModel

/// Profiles of other programs, and of our own exports.
package enum ProfileFile {
  /// Reads a file, or standard input for `-`, in whatever format it is.
  ///
  /// - Parameter event: which of several events, or types of values, is read; nil for the file's main one.
  package static func read(_ path: String, event: String? = nil) throws -> ImportedProfile {
    let name = path == "-" ? "standard input" : path
    let feed = try ByteFeed(open(path), name: name)
    // A pprof file and a text may begin alike. Of a whole file, both can be tried.
    guard PprofFields.areProfile(feed.head, isWhole: feed.isWhole) else { return try text(feed, event) }
    do { return try pprof(feed, event) } catch {
      guard feed.isWhole, case .noSuchType? = error as? PprofError else {
        if feed.isWhole, let imported = try? text(feed, event) { return imported }
        throw LoadingError("'\(name)': \(error)", .malformed)
      }
      throw LoadingError("'\(name)': \(error)", .unsuitable)
    }
  }

  private static func open(_ path: String) throws -> OpenFile {
    if path == "-" { return OpenFile(adopting: dup(STDIN_FILENO)) }
    do { return try OpenFile.examined(path, types: [.regular, .pipe]) } catch {
      let isRefused = error == .system(.accessDenied)
      let advice = if case .type = error { "; name a file, a pipe, or '-' for standard input" } else { "" }
      throw LoadingError("cannot read '\(path)': \(error)\(advice)", isRefused ? .notPermitted : .notFound)
    }
  }

  private static func pprof(_ feed: ByteFeed, _ event: String?) throws -> ImportedProfile {
    let limits = PprofReader.Limits()
    guard let bytes = try feed.all(limitBytes: limits.sizeBytes) else {
      throw PprofError.tooLarge(limitBytes: limits.sizeBytes)
    }
    return try PprofReader.read(bytes, limits: limits, event: event)
  }

  private static func text(_ feed: ByteFeed, _ event: String?) throws -> ImportedProfile {
    let legacy = OtherFormat.legacy(feed.head, file: feed.name)
    feed.rewind()
    do {
      switch ProfileFormat(startingWith: feed.head) {
      case .perfScript:
        if let legacy { throw legacy }
        return try PerfScriptReader.read(LineStream(feed), file: feed.name, event: event)
      case .folded:
        let imported = try FoldedReader.read(LineStream(feed), file: feed.name)
        // Lines of a profile in another form may end with a number as well.
        if let legacy, imported.hasMostlyOtherLines { throw legacy }
        if let event { throw ImportError.noSuchEvent(file: feed.name, event: event, known: []) }
        return imported
      }
    } catch ImportError.noStacks(let file, let line, let expected) {
      if let other = OtherFormat.error(feed.head, file: feed.name) { throw other }
      if feed.head.starts(with: [0x1F, 0x8B]) { throw ImportError.damaged(file: file) }
      if feed.head.contains(0) { throw LoadingError("'\(file)': \(PprofError.notDecoded)", .malformed) }
      throw ImportError.noStacks(file: file, line: line, expected: expected)
    }
  }
}
