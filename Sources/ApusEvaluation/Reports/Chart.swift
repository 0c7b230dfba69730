import Foundation

/// A picture of lines over one or two axes, as SVG; its colours suit light and dark pages.
package struct Chart: Sendable {
  package struct Series: Sendable {
    package var name: String
    package var points: [(x: Double, y: Double)]
    /// What hovering over a point shows.
    package var notes: [String]

    package init(name: String, points: [(x: Double, y: Double)], notes: [String] = []) {
      self.name = name
      self.points = points
      self.notes = notes
    }
  }

  package struct Panel: Sendable {
    package var title: String
    package var xLabel: String
    package var yLabel: String
    package var series: [Series]
    /// A horizontal line with a name.
    package var limit: (name: String, y: Double)?

    package init(
      title: String, xLabel: String, yLabel: String, series: [Series],
      limit: (name: String, y: Double)? = nil
    ) {
      self.title = title
      self.xLabel = xLabel
      self.yLabel = yLabel
      self.series = series
      self.limit = limit
    }
  }

  package var title: String
  package var panels: [Panel]

  package init(title: String, panels: [Panel]) {
    self.title = title
    self.panels = panels
  }

  private static let panelSize = (width: 440.0, height: 330.0)
  private static let titleHeight = 40.0

  /// The whole SVG document.
  package var svg: String {
    let width = Self.panelSize.width * Double(max(1, panels.count))
    let height = Self.panelSize.height + Self.titleHeight
    var text = """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.number(width)) \(Self.number(height))" \
      width="\(Self.number(width))" height="\(Self.number(height))" role="img" \
      font-family="system-ui, sans-serif" font-size="12">
      <title>\(Self.escaped(title))</title>
      <style>\(Self.style)</style>
      <text class="head" x="\(Self.number(width / 2))" y="24" text-anchor="middle">\(Self.escaped(title))</text>

      """
    for (index, panel) in panels.enumerated() {
      let x = Double(index) * Self.panelSize.width
      text +=
        "<g transform=\"translate(\(Self.number(x)) \(Self.number(Self.titleHeight)))\">\n"
        + PanelDrawing(panel, size: Self.panelSize).text + "</g>\n"
    }
    return text + "</svg>\n"
  }

  /// Each colour stands out from white as from black: a picture does not know the page behind it.
  private static let style = """
    text{fill:#757b84}.head{font-size:15px;font-weight:600}.title{font-weight:600}.axis{stroke:#808890;fill:none}\
    .grid{stroke:#808890;stroke-opacity:.3}.limit{stroke:#d0722c;stroke-dasharray:6 4}.s{fill:none;stroke-width:2}\
    .s0{stroke:#2f81f7}.s1{stroke:#a371f7;stroke-dasharray:2 3}.d0{fill:#2f81f7}.d1{fill:#a371f7}
    """

  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
    return result
  }

  /// A coordinate with at most one decimal.
  static func number(_ value: Double) -> String {
    let text = String(format: "%.1f", value)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

/// A linear or logarithmic axis: its range and its ticks.
package struct ChartAxis {
  package let range: ClosedRange<Double>
  package let ticks: [Double]
  package let isLogarithmic: Bool

  /// - Parameter allowsLogarithm: Values that span more than a factor of 20 make the axis logarithmic.
  package init(_ values: [Double], allowsLogarithm: Bool) {
    let values = values.filter(\.isFinite)
    let greatest = max(values.max() ?? 1, 1e-9)
    let least = values.filter { $0 > 0 }.min() ?? greatest
    isLogarithmic = allowsLogarithm && greatest > 20 * least
    if isLogarithmic {
      let low = floor(log10(least))
      let high = ceil(log10(greatest) - 1e-9)
      range = pow(10, low)...pow(10, high)
      let steps = high - low > 3 ? [1.0] : [1, 2, 5]
      let (bottom, top) = (pow(10, low), pow(10, high) * 1.0001)
      ticks = stride(from: low, through: high, by: 1)
        .flatMap { power in steps.map { $0 * pow(10, power) } }
        .filter { (bottom...top).contains($0) }
    } else {
      let step = Self.step(greatest / 5)
      let top = (greatest / step).rounded(.up) * step
      range = 0...top
      ticks = stride(from: 0, through: top + step / 2, by: step).map { $0 }
    }
  }

  /// 1, 2 or 5 times a power of ten, at least `size`.
  private static func step(_ size: Double) -> Double {
    let power = pow(10, floor(log10(size)))
    return [1, 2, 5, 10].map { $0 * power }.first { $0 >= size * 0.999 } ?? 10 * power
  }

  /// Where a value stands: 0 at the start of the axis, 1 at its end.
  package func position(_ value: Double) -> Double {
    guard isLogarithmic else {
      return (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    }
    let bottom = log10(range.lowerBound)
    return (log10(max(value, range.lowerBound)) - bottom) / (log10(range.upperBound) - bottom)
  }

  package static func label(_ value: Double) -> String { String(format: "%g", value) }
}

/// One panel in its own coordinates.
private struct PanelDrawing {
  private static let margin = (left: 64.0, right: 16.0, top: 48.0, bottom: 44.0)

  private let panel: Chart.Panel
  private let size: (width: Double, height: Double)
  private let xAxis: ChartAxis
  private let yAxis: ChartAxis

  init(_ panel: Chart.Panel, size: (width: Double, height: Double)) {
    self.panel = panel
    self.size = size
    let points = panel.series.flatMap(\.points)
    xAxis = ChartAxis(points.map(\.x), allowsLogarithm: false)
    yAxis = ChartAxis(
      points.map(\.y) + (panel.limit.map { [$0.y] } ?? []), allowsLogarithm: true)
  }

  var text: String { axes + limit + panel.series.indices.map(series).joined() }

  private func x(_ value: Double) -> String {
    let width = size.width - Self.margin.left - Self.margin.right
    return Chart.number(Self.margin.left + xAxis.position(value) * width)
  }

  private func y(_ value: Double) -> String {
    let height = size.height - Self.margin.top - Self.margin.bottom
    return Chart.number(size.height - Self.margin.bottom - yAxis.position(value) * height)
  }

  private var left: String { Chart.number(Self.margin.left) }
  private var right: String { Chart.number(size.width - Self.margin.right) }
  private var top: String { Chart.number(Self.margin.top) }
  private var bottom: String { Chart.number(size.height - Self.margin.bottom) }
  private var middle: String {
    Chart.number((Self.margin.left + size.width - Self.margin.right) / 2)
  }

  private var axes: String {
    var text =
      "<text class=\"title\" x=\"\(left)\" y=\"18\">\(Chart.escaped(panel.title))</text>\n"
    for tick in yAxis.ticks {
      text +=
        "<line class=\"grid\" x1=\"\(left)\" x2=\"\(right)\" y1=\"\(y(tick))\" y2=\"\(y(tick))\"/>"
      text += "<text x=\"\(Chart.number(Self.margin.left - 8))\" y=\"\(y(tick))\" dy=\".32em\" "
      text += "text-anchor=\"end\">\(ChartAxis.label(tick))</text>\n"
    }
    for tick in xAxis.ticks {
      text += "<line class=\"axis\" x1=\"\(x(tick))\" x2=\"\(x(tick))\" y1=\"\(bottom)\" "
      text += "y2=\"\(Chart.number(size.height - Self.margin.bottom + 4))\"/>"
      text += "<text x=\"\(x(tick))\" y=\"\(Chart.number(size.height - Self.margin.bottom + 17))\" "
      text += "text-anchor=\"middle\">\(ChartAxis.label(tick))</text>\n"
    }
    text += "<path class=\"axis\" d=\"M\(left) \(top)V\(bottom)H\(right)\"/>\n"
    text += "<text x=\"\(middle)\" y=\"\(Chart.number(size.height - 8))\" text-anchor=\"middle\">"
    text += "\(Chart.escaped(panel.xLabel))</text>\n"
    let center = Chart.number((Self.margin.top + size.height - Self.margin.bottom) / 2)
    text += "<text transform=\"translate(14 \(center)) rotate(-90)\" text-anchor=\"middle\">"
    return text + "\(Chart.escaped(panel.yLabel))</text>\n"
  }

  private var limit: String {
    guard let limit = panel.limit else { return "" }
    return """
      <line class="limit" x1="\(left)" x2="\(right)" y1="\(y(limit.y))" y2="\(y(limit.y))"/>\
      <text x="\(Chart.number(Self.margin.left + 6))" y="\(y(limit.y))" dy="-5">\(Chart.escaped(limit.name))</text>

      """
  }

  private func series(_ index: Int) -> String {
    let series = panel.series[index]
    let style = index % 2
    let path = series.points.map { "\(x($0.x)),\(y($0.y))" }.joined(separator: " ")
    let legend = Self.margin.left + Double(index) * 110
    var text = """
      <line class="s s\(style)" x1="\(Chart.number(legend))" x2="\(Chart.number(legend + 24))" y1="33" y2="33"/>\
      <text x="\(Chart.number(legend + 30))" y="37">\(Chart.escaped(series.name))</text>
      <polyline class="s s\(style)" points="\(path)"/>

      """
    for (number, point) in series.points.enumerated() {
      let note = number < series.notes.count ? series.notes[number] : ""
      text += "<circle class=\"d\(style)\" cx=\"\(x(point.x))\" cy=\"\(y(point.y))\" r=\"3.5\">"
      text += "<title>\(Chart.escaped(note))</title></circle>\n"
    }
    return text
  }
}
