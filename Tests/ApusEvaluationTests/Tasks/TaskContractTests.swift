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
    try expectGroups(cases, of: name)
  }

  /// Cases that share a document belong together.
  private func expectGroups(_ cases: [EvaluationCase], of name: String) throws {
    let size = try TaskFixtures.task(name).questionsPerDocument
    for group in Dictionary(grouping: cases.indices, by: { cases[$0].document }).values {
      #expect(Set(group.map { $0 / size }).count == 1)
    }
  }

  /// Where a short document has too little to ask for, there are more of them.
  @Test(
    arguments: EvaluationTasks.catalog.names + ["niah_multikey:density=0", "path:hops=6"],
    [256, 512])
  func shortCasesDiffer(name: String, target: Int) throws {
    let length = TaskFixtures.length(target)
    let cases: [EvaluationCase]
    do {
      cases = try TaskFixtures.cases(name, length: target)
    } catch EvaluationError.tooShort(target, let needed) {
      #expect(target == 256 || name == "common_words", "\(name) needs \(needed)")
      return
    }
    #expect(cases.count == 12 && Set(cases.map(\.message)).count == 12)
    try expectGroups(cases, of: name)
    for example in cases {
      let measured = try length.of(example)
      // As much as a sentence or a table may be missing, or be less than the longest of the document's cases.
      #expect((target - 64...target).contains(measured), "\(measured)")
    }
  }

  @Test(
    arguments: EvaluationTasks.catalog.names + ["thread:hops=20", "multi_thread:hops=6"],
    [1024, 4096])
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

  /// 42 pairs, 41 of which are the thread and its answer.
  @Test func longThreadsLeaveNoRoomForOthers() throws {
    let example = try TaskFixtures.cases("thread:hops=40", length: 512, count: 1)[0]
    #expect(example.expected.count == 41)
    #expect(example.document.split(separator: "\n").count < 60)
  }

  @Test(arguments: [256, 1024])
  func pathsHaveAllTheirSteps(length: Int) throws {
    for example in try TaskFixtures.cases("path:hops=6", length: length, count: 20) {
      #expect(example.answer.split(separator: " -> ").count == 7)
    }
  }

  /// Beyond the words of the list, made-up ones look like them.
  @Test func rareWordsLookLikeCommonOnes() throws {
    for example in try TaskFixtures.cases("common_words", length: 8192, count: 2) {
      #expect(example.document == example.document.lowercased())
    }
  }

  @Test func tooShortALength() throws {
    #expect(throws: EvaluationError.self) {
      try TaskFixtures.task("thread:hops=100").cases(
        length: TaskFixtures.length(256), seed: 1, count: 1)
    }
  }
}
