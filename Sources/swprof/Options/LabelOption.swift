import ArgumentParser
import ProfileModel

/// A label as the command line has it: `request=GET /cart`. The value may hold further `=`.
struct LabelOption: ExpressibleByArgument {
  let label: Label

  init?(argument: String) {
    guard let sign = argument.firstIndex(of: "="), sign > argument.startIndex else { return nil }
    label = Label(key: String(argument[..<sign]), value: String(argument[argument.index(after: sign)...]))
  }
}
