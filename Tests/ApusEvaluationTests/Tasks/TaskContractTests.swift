import ApusCore
import ApusEvaluation
import Foundation
import Testing

/// What every task of the catalog keeps.
@Suite struct TaskContractTests {
  @Test(arguments: EvaluationTasks.catalog.names)
  func seedsDecideCases(name: String) throws {
    let cases = try TaskFixtures.cases(name)
    #expect(cases.count == 12)
    #expect(try TaskFixtures.cases(name) == cases)
    // The first cases of more are the same.
    #expect(try TaskFixtures.cases(name, count: 20).prefix(12) == cases[...])
    let others = try TaskFixtures.cases(name, seed: 2)
    #expect(zip(cases, others).allSatisfy { $0.document != $1.document })
    // Cases may share a document, but ask something else about it.
    #expect(Set(cases.map(\.message)).count == cases.count)
    #expect(Set(cases.map(\.document)).count >= 3)
  }

  @Test(arguments: EvaluationTasks.catalog.names, [1024, 4096])
  func lengthsAreKept(name: String, target: Int) throws {
    let length = TaskFixtures.length(target)
    for example in try TaskFixtures.cases(name, length: target) {
      let measured = try length.of(example)
      #expect(measured <= target)
      // At 1024 a sentence more or less is 2 %.
      #expect(Double(measured) >= Double(target) * (target < 2048 ? 0.95 : 0.98), "\(measured)")
    }
  }

  @Test(arguments: TaskFixtures.answerTasks)
  func perfectEmptyAndForeignAnswers(name: String) throws {
    let cases = try TaskFixtures.cases(name, count: 24)
    for example in cases {
      #expect(try TaskFixtures.score(name, example.answer, example).value == 1, "\(example.answer)")
      #expect(try TaskFixtures.score(name, example.answer + "\n", example).value == 1)
      #expect(try TaskFixtures.score(name, "", example).value == 0)
      #expect(try TaskFixtures.score(name, " \n", example).value == 0)
    }
    // The answer to another case is worth what chance gives.
    let foreign = try zip(cases, cases.dropFirst() + cases.prefix(1)).map {
      try TaskFixtures.score(name, $1.answer, $0).value
    }
    #expect(foreign.reduce(0, +) / Double(foreign.count) < 0.3)
    #expect(foreign.allSatisfy { (0...1).contains($0) })
  }

  @Test(arguments: TaskFixtures.answerTasks)
  func answersFollowFromDocuments(name: String) throws {
    // These ask to compute or to write; what the others expect stands in their documents.
    let computed = [
      "tsort", "best_answer", "tsv", "countdown", "trace", "travel", "chars", "words", "count",
      "form", "multi_needle", "niah_multiquery", "thread", "thread_back", "multi_thread",
    ]
    guard !computed.contains(name) else { return }
    for example in try TaskFixtures.cases(name) {
      for value in example.expected {
        #expect(example.document.contains(value), "\(value)")
      }
    }
  }

  @Test func everyFileIsInTheCatalog() throws {
    let folder = URL(filePath: #filePath).appending(
      path: "../../../../Sources/ApusEvaluation/Tasks"
    ).standardizedFileURL
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".swift") }.map { String($0.dropLast(".swift".count)) }
    let types = EvaluationTasks.catalog.entries.map { "\($0.element)" }
    #expect(Set(files) == Set(types))
    #expect(Set(types).count == types.count)
    #expect(Set(EvaluationTasks.catalog.names).count == types.count)
  }

  @Test func groupsNameTasks() throws {
    for group in EvaluationTasks.groups {
      #expect(Set(group.tasks).isSubset(of: EvaluationTasks.catalog.names), "\(group.name)")
      #expect(!EvaluationTasks.catalog.names.contains(group.name))
    }
    #expect(try EvaluationTasks.make(["all"]).count == EvaluationTasks.catalog.names.count)
    #expect(try EvaluationTasks.make(["niah", "niah", "niah:haystack=noise"]).count == 2)
    #expect(throws: CatalogError.self) { try EvaluationTasks.make(["nia"]) }
    #expect(throws: CatalogError.self) { try EvaluationTasks.make(["niah:haystack=straw"]) }
    #expect(throws: CatalogError.self) { try EvaluationTasks.make(["kv:hops=2"]) }
  }

  @Test func tooShortALength() throws {
    #expect(throws: EvaluationError.self) {
      try TaskFixtures.task("thread:hops=100").cases(
        length: TaskFixtures.length(256), seed: 1, count: 1)
    }
  }
}
