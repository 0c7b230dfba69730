import ApusEvaluation
import Foundation
import Testing

@Suite struct ChartTests {
  @Test func linearAxes() {
    let axis = ChartAxis([0.4, 3.1, 7.8], allowsLogarithm: true)
    #expect(!axis.isLogarithmic)
    #expect(axis.ticks == [0, 2, 4, 6, 8])
    #expect(axis.position(4) == 0.5)
  }

  @Test func logarithmicAxes() {
    let axis = ChartAxis([3, 40, 900], allowsLogarithm: true)
    #expect(axis.isLogarithmic)
    #expect(axis.range == 1...1000)
    #expect(axis.ticks == [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
    #expect(abs(axis.position(100) - 2.0 / 3) < 1e-12)
    #expect(!ChartAxis([3, 900], allowsLogarithm: false).isLogarithmic)
  }

  @Test(arguments: [[], [0], [0, 0], [.infinity, 2], [5]])
  func strangeValues(values: [Double]) {
    let axis = ChartAxis(values, allowsLogarithm: true)
    #expect(axis.range.lowerBound < axis.range.upperBound)
    #expect((2...20).contains(axis.ticks.count))
    #expect(values.filter(\.isFinite).allSatisfy { (0...1).contains(axis.position($0)) })
  }

  @Test func pictureHasPointsAndLabels() {
    let series = Chart.Series(name: "a & b", points: [(1, 10), (2, 25)], notes: ["<first>"])
    let panel = Chart.Panel(
      title: "Times", xLabel: "rate", yLabel: "ms", series: [series], limit: ("most", 20))
    let svg = Chart(title: "One", panels: [panel, panel]).svg
    #expect(svg.hasPrefix("<svg xmlns="))
    #expect(svg.hasSuffix("</svg>\n"))
    #expect(svg.components(separatedBy: "<circle").count == 5)
    #expect(svg.contains("a &amp; b") && svg.contains("&lt;first&gt;"))
    for label in [">rate<", ">ms<", ">Times<", ">most<"] { #expect(svg.contains(label)) }
    #expect(!svg.contains("nan") && !svg.contains("inf"))
    for tag in ["g", "text", "circle", "svg", "style", "title"] {
      let opened = svg.components(separatedBy: "<\(tag)").count
      #expect(opened == svg.components(separatedBy: "</\(tag)>").count, "\(tag)")
    }
  }
}
