import CProbes
import ELF
import Runtimes

/// The names of asyncio tasks, as the kernel side records them.
enum PythonTaskName {
  /// The words of a name, without the one that tells its length.
  static let wordCount = Int(SWPROF_PYTHON_NAME_WORDS)

  /// The name in the words of a stack; nil for one that asyncio has given: `Task-12` is in no two requests the same.
  ///
  /// - Parameter words: those of the name, and `SWPROF_PYTHON_NAME`.
  static func read(_ words: ArraySlice<UInt64>) -> String? {
    let place = words.startIndex + wordCount
    guard place < words.endIndex else { return nil }
    let (width, length) = (Int(words[place] >> 32), UInt32(truncatingIfNeeded: words[place]))
    guard [1, 2, 4].contains(width), length > 0 else { return nil }
    let bytes = words[..<place].flatMap { word in unsafe withUnsafeBytes(of: word) { unsafe Array($0) } }
    let count = min(Int(length), bytes.count / width)
    let name = PythonText.text(Array(bytes[..<(count * width)]), width: width, isCut: count < Int(length))
    return name.flatMap { isNumber($0) ? nil : $0 }
  }

  private static func isNumber(_ name: String) -> Bool {
    guard name.hasPrefix("Task-") else { return false }
    return name.utf8.dropFirst(5).allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
  }
}
