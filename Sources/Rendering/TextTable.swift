/// Columns of text, as wide as their widest cell.
struct TextTable {
  struct Column {
    let heading: String
    let isRightAligned: Bool
    /// The most cells that an entry takes; longer ones lose their middle.
    let limit: Int

    init(_ heading: String, isRightAligned: Bool = false, limit: Int = .max) {
      self.heading = heading
      self.isRightAligned = isRightAligned
      self.limit = limit
    }
  }

  private let columns: [Column]
  private var rows: [[String]]

  init(_ columns: [Column]) {
    self.columns = columns
    rows = [columns.map(\.heading)]
  }

  /// Adds a row, a text for each column; what would act on a terminal is replaced.
  mutating func add(_ cells: [String]) {
    rows.append(
      zip(columns, cells).map { column, cell in
        DisplayText.truncatedInMiddle(DisplayText.visible(cell), to: column.limit)
      })
  }

  /// The heading and the rows, two spaces between columns, none at the end of a line.
  var lines: [String] {
    let widths = columns.indices.map { column in rows.map { DisplayText.width($0[column]) }.max() ?? 0 }
    return rows.map { row in
      let cells = columns.indices.map { column in
        DisplayText.padded(row[column], to: widths[column], isRightAligned: columns[column].isRightAligned)
      }
      return cells.joined(separator: "  ").trimmingTrailingSpaces
    }
  }
}

extension String {
  var trimmingTrailingSpaces: String {
    guard let last = unicodeScalars.lastIndex(where: { $0 != " " }) else { return "" }
    return String(unicodeScalars[...last])
  }
}
