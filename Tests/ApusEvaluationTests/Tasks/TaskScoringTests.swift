import ApusCore
import ApusEvaluation
import Testing

/// What wrong, partial and disordered answers score.
@Suite struct TaskScoringTests {
  private func score(_ name: String, _ answer: String, _ example: EvaluationCase) throws -> Double {
    try TaskFixtures.score(name, answer, example).value
  }

  private func first(_ name: String, seed: UInt64 = 1) throws -> EvaluationCase {
    try TaskFixtures.cases(name, seed: seed, count: 1)[0]
  }

  @Test(arguments: ["niah", "passkey", "lines", "kv", "qa", "altered", "latest", "fim", "mind"])
  func valuesCountAsWholeWords(name: String) throws {
    let example = try first(name)
    let value = example.expected[0]
    #expect(try score(name, "It is \(value).", example) == 1)
    #expect(try score(name, "It is 1\(value).", example) == 0)
    #expect(try score(name, "It is \(value)x.", example) == 0)
    #expect(try score(name, "It is 1\(value). No, \(value).", example) == 1)
  }

  @Test(arguments: ["niah_multivalue", "niah_multiquery", "variables", "common_words"])
  func partsCount(name: String) throws {
    let example = try first(name)
    let parts = example.expected
    let half = parts.prefix(parts.count / 2).joined(separator: ", ")
    #expect(
      try score(name, half, example) == Double(parts.count / 2) / Double(parts.count))
    #expect(try score(name, parts.reversed().joined(separator: ", "), example) == 1)
  }

  @Test func listsOfWordsAreCutAtTheNumberAsked() throws {
    let example = try first("common_words")
    let many = (["a", "b", "c", "d", "e"] + example.expected).joined(separator: ", ")
    #expect(try score("common_words", many, example) == 0)
  }

  @Test(arguments: ["multi_needle", "tsv"])
  func linesCount(name: String) throws {
    let example = try first(name)
    let lines = example.answer.split(separator: "\n").map(String.init)
    let reversed = lines.reversed().joined(separator: "\n")
    #expect(try score(name, reversed, example) == 1)
    #expect(try score(name, lines[0], example) < 1)
    #expect(try score(name, lines[0], example) > 0)
    #expect(try score(name, reversed.replacing("a", with: "b"), example) < 1)
  }

  @Test func superfluousRowsCost() throws {
    let example = try first("tsv")
    let two = try TaskFixtures.score("tsv", example.answer + "\n" + example.answer, example)
    #expect(two.details["recall"] == 1 && two.details["precision"] == 0.5)
    #expect(abs(two.value - 2.0 / 3) < 1e-12)
  }

  @Test(arguments: ["thread", "thread_back"])
  func threadsCountByTheirEnd(name: String) throws {
    let example = try first(name)
    let ids = example.expected
    let lost = try TaskFixtures.score(name, ids.dropLast().joined(separator: " -> "), example)
    #expect(lost.value == 0)
    #expect(lost.details["hops"] == Double(ids.count - 2) / Double(ids.count - 1))
    #expect(try score(name, ids.last ?? "", example) == 1)
    #expect(try score(name, ids.reversed().joined(separator: " -> "), example) == 0)
    let quoted = ids.map { "\"\($0)\"" }.joined(separator: " -> ")
    #expect(try TaskFixtures.score(name, quoted, example).details["hops"] == 1)
  }

  @Test func severalThreadsCountOneByOne() throws {
    let example = try first("multi_thread")
    let lines = example.expected
    #expect(abs(try score("multi_thread", lines[1], example) - 1.0 / 3) < 1e-12)
    #expect(try score("multi_thread", lines.reversed().joined(separator: "\n"), example) == 1)
  }

  @Test(arguments: ["tsort", "sort"])
  func orderCounts(name: String) throws {
    let example = try first(name)
    let wrong = example.expected.reversed().joined(separator: ", ")
    #expect(try score(name, wrong, example) == 0)
    let swapped = [example.expected[1], example.expected[0]] + example.expected.dropFirst(2)
    let result = try TaskFixtures.score(name, swapped.joined(separator: ", "), example)
    let count = Double(swapped.count)
    #expect(result.value == 0 && result.details["in place"] == (count - 2) / count)
  }

  @Test func pathsNeedRoads() throws {
    let example = try first("path")
    let towns = example.answer.split(separator: " -> ").map(String.init)
    #expect(try score("path", "\(towns[0]) -> \(towns[towns.count - 1])", example) == 0)
    #expect(try score("path", towns.dropLast().joined(separator: " -> "), example) == 0)
    #expect(try score("path", towns.reversed().joined(separator: " -> "), example) == 0)
  }

  @Test func sumsMustBeRight() throws {
    let example = EvaluationCase(
      document: "", question: "", answer: "", expected: ["3", "4", "5", "12"])
    for (answer, expected) in [
      ("3 + 4 = 7\n7 + 5 = 12\n= 12", 1.0), ("3 + 4 = 7\n7 + 5 = 12", 1),
      ("4 + 3 = 7\n5 + 7 = 12", 1),
      ("3 + 4 = 8\n8 + 4 = 12", 0), ("3 + 4 = 7\n7 + 5 = 12\n= 13", 0), ("7 + 5 = 12", 0),
      ("3 + 3 = 6\n6 + 6 = 12", 0), ("3 + 4 = 7\n5 - 7 = -2", 0), ("= 12", 0), ("12", 0),
      ("= abc\n3 + 4 = 7\n7 + 5 = 12", 0), ("3 + 4 = 7\n= abc\n7 + 5 = 12", 0),
    ] {
      #expect(try score("countdown", answer, example) == expected, "\(answer)")
    }
  }

  @Test func traces() throws {
    let example = try first("trace")
    let lines = example.expected
    let half = try score("trace", lines.prefix(lines.count / 2).joined(separator: "\n"), example)
    #expect(half == Double(lines.count / 2) / Double(lines.count))
    #expect(try score("trace", lines.map { $0 + "0" }.joined(separator: "\n"), example) == 0)
  }

  @Test func tripsKeepToAllRules() throws {
    let example = try first("travel")
    let lines = example.answer.split(separator: "\n").map(String.init)
    #expect(try score("travel", lines.reversed().joined(separator: "\n"), example) == 0)
    #expect(try score("travel", lines.dropLast().joined(separator: "\n"), example) == 0)
    #expect(try score("travel", example.answer + "\n" + lines[0], example) == 0)
    #expect(try score("travel", example.answer.replacing("Day 1", with: "Day 2"), example) == 0)
  }

  @Test(arguments: ["longins_gist", "longins_list", "longins_limt"])
  func examsAreMarkedByF1(name: String) throws {
    let example = try first(name)
    let all = (1...2000).map { "\($0)" }.joined(separator: ", ")
    #expect(try score(name, all, example) < 0.1)
    #expect(try score(name, example.expected[0], example) > 0)
    // A tenth of the answers is wrong.
    let items = example.document.split(separator: "\n").count - 1
    #expect(example.expected.count == items / 10)
  }

  /// Whether a rose is a colour, no rule can say.
  @Test func itemsOfExamsAreClear() throws {
    let texts = try (1...4).flatMap { try TaskFixtures.cases("longins_gist", seed: $0) }
      .map(\.document)
    #expect(texts.contains { $0.contains("red is a colour.") })
    for noun in ["lemon", "lime", "mint", "olive", "peach", "plum", "rose", "sand", "silver"] {
      #expect(!texts.contains { $0.contains(" \(noun) is a colour.") }, "\(noun)")
    }
  }

  @Test func absenceMustBeSaid() throws {
    let cases = Array(try TaskFixtures.cases("absent", count: 2).reversed())
    let denial = "The document does not say."
    #expect(cases[1].answer == denial)
    #expect(try score("absent", denial, cases[0]) == 0)
    #expect(try score("absent", cases[0].answer, cases[1]) == 0)
    #expect(try score("absent", denial + " " + cases[0].answer, cases[0]) == 0)
  }

  @Test func wordsAreCounted() throws {
    for (target, count, precise, flexible) in [
      (50, 50, 1.0, 1.0), (50, 47, 1, 1), (50, 46, 0, 1), (50, 55, 0, 1), (50, 56, 0, 0),
      (5, 6, 1, 1), (5, 7, 0, 0), (20, 18, 1, 1), (20, 17, 0, 0), (200, 203, 1, 1),
      (200, 204, 0, 1),
    ] {
      let example = EvaluationCase(
        document: "", question: "", answer: "", expected: ["\(target)"])
      let answer = Array(repeating: "word", count: count).joined(separator: " ")
      let result = try TaskFixtures.score("words", answer, example)
      #expect(
        result.value == precise && result.details["flexible"] == flexible, "\(count) of \(target)")
    }
  }

  @Test(arguments: [("chars", "2"), ("count", "3"), ("icl", "lamp"), ("best_answer", "A3")])
  func exactAnswers(name: String, answer: String) throws {
    let example = EvaluationCase(document: "", question: "", answer: answer, expected: [answer])
    #expect(try score(name, " \(answer).", example) == 1)
    #expect(try score(name, "\"\(answer)\"", example) == 1)
    #expect(try score(name, "It is \(answer)", example) == 0)
    #expect(try score(name, answer + "1", example) == 0)
  }

  @Test func formsCountFieldByField() throws {
    let example = EvaluationCase(
      document: "", question: "", answer: "", expected: ["cargo=oranges", "crew=12"])
    #expect(try score("form", #"{"cargo": "oranges", "crew": 12}"#, example) == 1)
    #expect(try score("form", #"{"cargo": "oranges", "crew": "13"}"#, example) == 0.5)
    #expect(try score("form", #"{"cargo": "oranges", "crew": "12""#, example) == 0)
  }

  @Test func formatsMustBeObeyed() throws {
    func example(_ demand: String) -> EvaluationCase {
      EvaluationCase(document: "", question: "What? " + demand, answer: "", expected: ["oranges"])
    }
    for (demand, good, bad) in [
      ("Answer in one word.", "oranges", "It is oranges"),
      ("Answer in capitals.", "ORANGES", "oranges"),
      ("Answer as JSON {\"answer\": ...}.", "{\"answer\": \"oranges\"}", "oranges"),
    ] {
      #expect(try score("format", good, example(demand)) == 1)
      let result = try TaskFixtures.score("format", bad, example(demand))
      #expect(result.value == 0 && result.details["value"] == 1 && result.details["form"] == 0)
      #expect(
        try score(
          "format", good.replacing("r", with: "l").replacing("R", with: "L"), example(demand)) == 0)
    }
  }
}
