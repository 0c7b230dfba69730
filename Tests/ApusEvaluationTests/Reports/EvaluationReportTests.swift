import ApusCore
import ApusEvaluation
import Testing

@Suite struct EvaluationReportTests {
  private func records(_ scores: [Double], task: String = "niah", length: Int = 1024)
    -> [CaseRecord]
  {
    scores.enumerated().map { number, score in
      CaseRecord(
        key: CaseKey(
          model: "m", settings: "", task: task, length: length, unit: .tokens, seed: 1,
          number: number),
        score: TaskScore(score, details: ["d": score]), depth: Double(number % 2),
        promptTokens: 100, characters: 400, answer: "a")
    }
  }

  private func evaluation(_ tasks: [String] = ["niah"], lengths: [Int] = [1024]) throws
    -> Evaluation
  {
    Evaluation(tasks: try EvaluationTasks.make(tasks), lengths: lengths, samples: 4, seed: 1)
  }

  @Test func rowsHaveMeansAndErrors() throws {
    var report = EvaluationReport(try evaluation())
    report.add(records([1, 0, 1, 0]), config: "default")
    let row = try #require(report.json["rows"]?.arrayValue?.first)
    #expect(row["task"] == "niah" && row["length"] == 1024 && row["config"] == "default")
    #expect(row["n"] == 4 && row["score"] == 0.5)
    // The sample's deviation, 1 / √3, by √4.
    #expect(abs((row["stderr"]?.doubleValue ?? 0) - 0.288_675) < 1e-5)
    #expect(row["details"]?["d"] == 0.5)
    #expect(row["depths"]?.arrayValue?.map { $0["score"]?.doubleValue } == [1, 0])
    #expect(report.lines == ["task              1k", "niah   0.500 ± 0.289"])
  }

  @Test func oneCaseHasNoStandardError() throws {
    var report = EvaluationReport(try evaluation())
    report.add(records([1]), config: "default")
    #expect(report.json["rows"]?.arrayValue?.first?["stderr"] == .null)
    #expect(report.lines == ["task              1k", "niah   1.000 ±     -"])
  }

  @Test func detailsNameTheirConfiguration() throws {
    var report = EvaluationReport(try evaluation())
    report.add(records([1, 0]), config: "a")
    #expect(report.detailLines == ["niah at 1k: d 0.5000"])
    report.add(records([1, 1]), config: "b")
    #expect(report.detailLines == ["niah at 1k, a: d 0.5000", "niah at 1k, b: d 1.0000"])
  }

  @Test func picturesShowDepthsByLength() throws {
    var report = EvaluationReport(try evaluation(lengths: [1024, 3000]))
    report.add(records([1, 0]) + records([1, 1], length: 3000), config: "default")
    let svg = try #require(report.svg)
    #expect(svg.hasPrefix("<svg xmlns=") && svg.hasSuffix("</svg>\n"))
    #expect(svg.components(separatedBy: "<rect").count == 5)
    for label in [">1k<", ">3000<", ">0<", ">100<", ">niah<", ">1.00<", ">0.00<"] {
      #expect(svg.contains(label), "\(label)")
    }
    for tag in ["g", "text", "rect", "svg", "style", "title"] {
      let opened = svg.components(separatedBy: "<\(tag)").count
      #expect(opened == svg.components(separatedBy: "</\(tag)>").count, "\(tag)")
    }
    #expect(EvaluationReport(try evaluation()).svg == nil)
  }
}
