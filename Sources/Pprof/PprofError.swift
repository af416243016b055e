/// Why bytes are no pprof profile that we read.
package enum PprofError: Error, Equatable, CustomStringConvertible {
  /// What begins as gzip is damaged or ends too early.
  case notDecompressed
  case tooLarge(limitBytes: Int)
  /// The bytes are no protocol buffer of the format, or end too early.
  case notDecoded
  /// A name is not UTF-8.
  case invalidText
  /// A number that nothing has: `string 12`, in `function 3`.
  case unknown(what: String, place: String)
  /// Two things of one number.
  case ambiguous(what: String)
  /// A sample that does not have a value for each type.
  case wrongValueCount(sample: Int, actual: Int, expected: Int)
  /// What a difference of two profiles has.
  case negativeValue(sample: Int)
  /// The sum of all values, or one value in ns, is beyond what can be counted.
  case valuesTooLarge(sample: Int)
  case stackTooDeep(sample: Int, limit: Int)
  /// All stacks together.
  case tooManyFrames(limit: Int)
  case tooManyRuns(limit: Int)
  /// Samples, locations, functions and what is in them.
  case tooManyParts(limit: Int)
  /// Of all samples together.
  case tooManyNumbers(limit: Int)
  case noSamples
  /// A type of values that the file does not have.
  case noSuchType(String, known: [String])

  package var description: String {
    switch self {
    case .notDecompressed: "the gzip data is damaged or cut short"
    case .tooLarge(let limit): "the profile is larger than \(limit >> 20) MiB, the limit"
    case .notDecoded: "this is no pprof profile (profile.proto), or it is cut short"
    case .invalidText: "a text of the profile is not UTF-8"
    case .unknown(let what, let place): "\(place) refers to \(what), which is not there"
    case .ambiguous(let what): "\(what) is there twice, or has the number 0"
    case .wrongValueCount(let sample, let actual, let expected):
      "sample \(sample) has \(actual) values, the profile has \(expected) types of values"
    case .negativeValue(let sample):
      "sample \(sample) has a negative value; differences of profiles are not read"
    case .valuesTooLarge(let sample): "the values up to sample \(sample) are too large to be added up"
    case .stackTooDeep(let sample, let limit): "the stack of sample \(sample) has more than \(limit) frames, the limit"
    case .tooManyFrames(let limit): "all stacks have more than \(limit) frames together, the limit"
    case .tooManyRuns(let limit): "the label 'run' tells more than \(limit) runs apart, the limit"
    case .tooManyParts(let limit):
      "the profile has more than \(limit) samples, locations and other parts, the limit for its size"
    case .tooManyNumbers(let limit): "all samples have more than \(limit) numbers together, the limit"
    case .noSamples: "the profile has no samples"
    case .noSuchType(let name, let known):
      "there is no event '\(name)'; the profile has \(known.joined(separator: ", "))"
    }
  }
}
