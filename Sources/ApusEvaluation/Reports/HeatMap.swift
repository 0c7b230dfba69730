/// A grid of values from 0 to 1 as colours, as SVG; it suits light and dark pages.
package struct HeatMap: Sendable {
  package struct Cell: Sendable {
    package var column: Int
    package var row: String
    package var value: Double
    /// What hovering over it shows beside the value.
    package var note: String

    package init(column: Int, row: String, value: Double, note: String) {
      self.column = column
      self.row = row
      self.value = value
      self.note = note
    }
  }

  package var title: String
  package var xLabel: String
  package var yLabel: String
  package var columns: [String]
  package var rows: [String]
  package var cells: [Cell]

  package init(
    title: String, xLabel: String, yLabel: String, columns: [String], rows: [String],
    cells: [Cell]
  ) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.columns = columns
    self.rows = rows
    self.cells = cells
  }

  private static let cell = (width: 56.0, height: 22.0)
  private static let margin = (left: 72.0, right: 24.0, top: 40.0, bottom: 52.0)

  private var width: Double {
    max(220, Self.margin.left + Double(columns.count) * Self.cell.width + Self.margin.right)
  }
  private var height: Double {
    Self.margin.top + Double(rows.count) * Self.cell.height + Self.margin.bottom
  }

  /// One document with all maps side by side.
  package static func svg(_ maps: [HeatMap]) -> String {
    let width = maps.reduce(0) { $0 + $1.width }
    let height = maps.map(\.height).max() ?? 0
    var text = """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Chart.number(width)) \(Chart.number(height))" \
      width="\(Chart.number(width))" height="\(Chart.number(height))" role="img" \
      font-family="system-ui, sans-serif" font-size="12">
      <title>\(Chart.escaped(maps.map(\.title).joined(separator: "; ")))</title>
      <style>text{fill:#757b84}.title{font-weight:600}.v{font-size:11px}</style>

      """
    var x = 0.0
    for map in maps {
      text += "<g transform=\"translate(\(Chart.number(x)) 0)\">\n\(map.drawing)</g>\n"
      x += map.width
    }
    return text + "</svg>\n"
  }

  private var drawing: String {
    let middle = Self.margin.left + Double(columns.count) * Self.cell.width / 2
    let center = Self.margin.top + Double(rows.count) * Self.cell.height / 2
    let bottom = Self.margin.top + Double(rows.count) * Self.cell.height
    var text = label(Self.margin.left, 22, title, "class=\"title\"")
    for (index, name) in columns.enumerated() {
      text += label(
        Self.margin.left + (Double(index) + 0.5) * Self.cell.width, bottom + 17, name,
        "text-anchor=\"middle\"")
    }
    for (index, name) in rows.enumerated() {
      text += label(
        Self.margin.left - 8, Self.margin.top + (Double(index) + 0.5) * Self.cell.height, name,
        "dy=\".32em\" text-anchor=\"end\"")
    }
    text += label(middle, bottom + 38, xLabel, "text-anchor=\"middle\"")
    text += "<text transform=\"translate(18 \(Chart.number(center))) rotate(-90)\" "
    text += "text-anchor=\"middle\">\(Chart.escaped(yLabel))</text>\n"
    return text + cells.map(draw).joined()
  }

  private func label(_ x: Double, _ y: Double, _ text: String, _ attributes: String) -> String {
    "<text x=\"\(Chart.number(x))\" y=\"\(Chart.number(y))\" \(attributes)>\(Chart.escaped(text))</text>\n"
  }

  private func draw(_ cell: Cell) -> String {
    guard let row = rows.firstIndex(of: cell.row), columns.indices.contains(cell.column) else {
      return ""
    }
    let x = Self.margin.left + Double(cell.column) * Self.cell.width
    let y = Self.margin.top + Double(row) * Self.cell.height
    let value = EvaluationReport.text(cell.value, 2)
    let note = "\(columns[cell.column]), \(cell.row): \(value); \(cell.note)"
    return """
      <rect x="\(Chart.number(x))" y="\(Chart.number(y))" width="\(Chart.number(Self.cell.width))" \
      height="\(Chart.number(Self.cell.height))" fill="\(Self.colour(cell.value))" stroke="#808890" \
      stroke-opacity=".3"><title>\(Chart.escaped(note))</title></rect>\
      <text class="v" x="\(Chart.number(x + Self.cell.width / 2))" \
      y="\(Chart.number(y + Self.cell.height / 2))" dy=".35em" text-anchor="middle" \
      style="fill:#1f2328">\(value)</text>

      """
  }

  /// From red over yellow to green, light enough for dark figures.
  static func colour(_ value: Double) -> String {
    let value = min(1, max(0, value.isFinite ? value : 0))
    return "hsl(\(Int((value * 120).rounded())) 62% 66%)"
  }
}
