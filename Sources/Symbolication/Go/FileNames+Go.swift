import ELF

extension FileNames {
  /// Fills what symbols and debugging information leave open by the function table of a Go program.
  mutating func addGoNames(
    _ file: ELFFile, _ sections: [ELFFile.Section], _ named: [String: ELFFile.Section], _ budget: NamingBudget
  ) {
    guard places.contains(where: Self.isOpen) else { return }
    var meter = NamingMeter(budget, hasTimeLimit: true, work: Self.maximumGoWork)
    defer { meter.close() }
    guard var table = GoProgram.table(of: file, sections, named, &meter) else { return }
    isGo = true
    for index in places.indices where Self.isOpen(places[index]) {
      guard let found = table.place(of: places[index].address, &meter) else { continue }
      if places[index].name == nil { places[index].name = found.function }
      places[index].debug = found
    }
    if meter.stop != nil {
      problems.append("reading its table of Go functions was given up; some frames have no names or lines")
    }
  }

  private static func isOpen(_ place: Place) -> Bool {
    place.debug?.function == nil && place.debug?.source == nil
  }

  /// Steps through program-counter tables; a thousand for each of a hundred thousand places.
  private static let maximumGoWork = 1 << 27
}
