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

  @Test func differencesOfChanceAndMore() throws {
    let zero = Array(repeating: 0.0, count: 40)
    let few = zero.indices.map { $0 < 2 ? 1.0 : 0 }
    let many = zero.indices.map { $0 < 20 ? 1.0 : 0 }
    func compare(_ a: [Double], _ b: [Double], seed: UInt64 = 1) throws -> EvaluationComparison {
      try #require(
        EvaluationComparison(
          task: "niah", length: 1024, names: ("a", "b"), records(a), records(b), seed: seed))
    }
    let same = try compare(many, many)
    #expect(same.difference == 0 && same.p == 1 && !same.isLargerThanChance)
    let small = try compare(zero, few)
    #expect(small.difference == 0.05 && !small.isLargerThanChance && small.p > 0.1)
    let large = try compare(zero, many)
    #expect(large.difference == 0.5 && large.isLargerThanChance && large.p < 0.001)
    #expect(large.interval.lowerBound > 0.3 && large.interval.upperBound < 0.7)
    let back = try compare(many, zero)
    #expect(back.difference == -0.5 && back.isLargerThanChance)
    #expect(try compare(zero, many).interval == large.interval)
  }

  @Test func comparisonsAreOfCasesThatBothHave() throws {
    let both = EvaluationComparison(
      task: "niah", length: 1024, names: ("a", "b"), records([1, 1, 0]), records([1, 1]), seed: 1)
    #expect(both?.count == 2)
    #expect(
      EvaluationComparison(
        task: "niah", length: 1024, names: ("a", "b"), records([1]), [], seed: 1) == nil)
    var report = EvaluationReport(try evaluation(["niah", "passkey"]))
    report.compare(
      records([0]) + records([0], task: "passkey"), records([1]) + records([1], task: "passkey"),
      names: ("a", "b"))
    #expect(report.comparisons.map(\.task) == ["niah", "passkey", "all"])
    #expect(report.json["comparisons"]?.arrayValue?[2]["difference"] == 1.0)
  }
}
