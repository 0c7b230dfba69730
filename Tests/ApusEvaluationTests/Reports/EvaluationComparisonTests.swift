import ApusCore
import ApusEvaluation
import Testing

/// When a difference between two configurations is called one.
@Suite struct EvaluationComparisonTests {
  private func records(_ scores: [Double], task: String = "niah") -> [CaseRecord] {
    scores.enumerated().map { number, score in
      CaseRecord(
        key: CaseKey(
          model: "m", settings: "", task: task, length: 1024, unit: .tokens, seed: 1,
          number: number),
        score: TaskScore(score), promptTokens: 100, characters: 400, answer: "a")
    }
  }

  private func compare(_ a: [Double], _ b: [Double], perDocument: Int = 1) throws
    -> EvaluationComparison
  {
    try #require(
      EvaluationComparison(
        task: "niah", length: 1024, names: ("a", "b"), records(a), records(b),
        questionsPerDocument: ["niah": perDocument], seed: 1))
  }

  /// So many ones, then zeros.
  private func ones(_ count: Int, of all: Int) -> [Double] {
    (0..<all).map { $0 < count ? 1 : 0 }
  }

  @Test func differencesOfChanceAndMore() throws {
    let (none, half) = (ones(0, of: 40), ones(20, of: 40))
    let same = try compare(half, half)
    #expect(same.difference == 0 && same.p == 1 && same.isLargerThanChance == false)
    #expect(same.line.hasSuffix("p 1.000), not larger than chance"))
    let large = try compare(none, half)
    #expect(large.difference == 0.5 && large.isLargerThanChance == true && large.p < 0.001)
    #expect(large.interval.lowerBound > 0.3 && large.interval.upperBound < 0.7)
    #expect(large.line.hasSuffix(", larger than chance"))
    let back = try compare(half, none)
    #expect(back.difference == -0.5 && back.isLargerThanChance == true)
    #expect(try compare(none, half).interval == large.interval)
  }

  /// With n documents that differ in one direction, chance gives as much in 2 of 2ⁿ cases.
  @Test(arguments: [1, 2, 4, 5, 6, 8])
  func fewDifferingCasesProveLittle(count: Int) throws {
    let comparison = try compare(ones(0, of: 50), ones(count, of: 50))
    let chance = 2 / Double(1 << count)
    #expect(comparison.p > chance - 0.02)
    #expect(comparison.isLargerThanChance == (count >= 6))
    #expect(comparison.count == 50 && comparison.documentCount == 50)
  }

  @Test(arguments: [1, 2, 9, 10])
  func fewDocumentsProveNothing(count: Int) throws {
    let comparison = try compare(ones(0, of: count), ones(count, of: count))
    #expect(comparison.isLargerThanChance == (count < 10 ? nil : true))
    #expect(
      comparison.json["larger_than_chance"] == (count < 10 ? JSONValue.null : JSONValue.bool(true)))
    #expect(comparison.line.contains("too few documents") == (count < 10))
  }

  /// Five cases about a document that is read wrong are one error, not five.
  @Test func casesOfADocumentBelongTogether() throws {
    let (none, some) = (ones(0, of: 60), ones(15, of: 60))
    let alone = try compare(none, some)
    #expect(alone.documentCount == 60 && alone.isLargerThanChance == true)
    let together = try compare(none, some, perDocument: 5)
    #expect(together.documentCount == 12 && together.count == 60)
    #expect(together.difference == alone.difference)
    #expect(together.isLargerThanChance == false && together.p > 0.2)
    #expect(together.interval.upperBound > alone.interval.upperBound)
  }

  /// Of equal configurations, about one of twenty differs.
  @Test func equalConfigurationsRarelyDiffer() throws {
    var random = RandomSource(seed: 7)
    var found = 0
    for _ in 0..<40 {
      let scores = (0..<2).map { _ in (0..<40).map { _ in random.nextUnit() < 0.7 ? 1.0 : 0 } }
      if try compare(scores[0], scores[1]).isLargerThanChance == true { found += 1 }
    }
    #expect(found <= 5)
  }

  @Test func comparisonsAreOfCasesThatBothHave() throws {
    #expect(try compare([1, 1, 0], [1, 1]).count == 2)
    #expect(
      EvaluationComparison(
        task: "niah", length: 1024, names: ("a", "b"), records([1]), [], seed: 1) == nil)
    var report = EvaluationReport(
      Evaluation(
        tasks: try EvaluationTasks.make(["niah", "kv"]), lengths: [1024], samples: 6, seed: 1))
    let (a, b) = (ones(0, of: 6), ones(6, of: 6))
    report.compare(
      records(a) + records(a, task: "kv"), records(b) + records(b, task: "kv"), names: ("a", "b"))
    #expect(report.comparisons.map(\.task) == ["niah", "kv", "all"])
    // Five cases in a row ask for keys of one object.
    #expect(report.comparisons.map(\.documentCount) == [6, 2, 8])
    #expect(report.json["comparisons"]?.arrayValue?[2]["difference"] == 1.0)
  }
}
