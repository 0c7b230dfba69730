import ApusEvaluation
import Testing

/// How the size of a case is found that has a given length.
@Suite struct CaseLengthTests {
  /// A case whose document has so many characters; no two sizes give the same.
  private static func example(_ length: Int, size: Int) -> EvaluationCase {
    EvaluationCase(
      document: String(repeating: "x", count: length), question: "", answer: "\(size)",
      expected: [])
  }

  private static let growths: [(name: String, length: @Sendable (Int) -> Int)] = [
    ("proportional", { 7 * $0 }),
    ("with a constant", { 80 + 3 * $0 }),
    ("squares", { $0 * $0 }),
    ("ever slower", { Int((100 * Double($0)).squareRoot()) }),
    ("powers", { 1 << min($0, 20) }),
    ("flat at first", { $0 < 90 ? 10 : 10 + 20 * ($0 - 90) }),
    ("steep at last", { $0 < 100 ? $0 : 100 + 300 * ($0 - 100) }),
    ("in steps", { 10 + $0 / 40 * 170 }),
    ("in one large step", { $0 < 1000 ? $0 / 100 : 100_000 + $0 }),
  ]

  @Test(arguments: CaseLengthTests.growths.indices, [120, 1000, 20_000])
  func theGreatestSizeThatFits(growth: Int, target: Int) throws {
    let (name, length) = Self.growths[growth]
    var tries = 0
    let example = try CaseLength(target) { $0.document.count }.fit(least: 1) { size in
      tries += 1
      return Self.example(length(size), size: size)
    }
    let size = try #require(Int(example.answer))
    let found = length(size)
    #expect(found <= target)
    #expect(
      Double(found) >= 0.99 * Double(target) || length(size + 1) > target,
      "\(name): \(found) at \(size)")
    #expect(tries <= 40, "\(name): \(tries)")
  }

  /// Every other size is a little longer or shorter than the one before.
  @Test func unevenLengths() throws {
    let example = try CaseLength(10_000) { $0.document.count }.fit(least: 1) { size in
      Self.example(10 * size + size * 7919 % 30, size: size)
    }
    #expect((9900...10_000).contains(example.document.count))
  }

  @Test func theLongestOfSeveralCasesCounts() throws {
    let cases = try CaseLength(1000) { $0.document.count }.fit(least: 2) { size in
      [Self.example(size, size: size), Self.example(3 * size, size: size)]
    }
    #expect(cases.count == 2)
    #expect((990...1000).contains(cases[1].document.count))
  }

  @Test func whatHasAnEndIsTakenWhole() throws {
    var tries = 0
    let example = try CaseLength(10_000) { $0.document.count }.fit(least: 1) { size in
      tries += 1
      return Self.example(min(size, 500), size: 0)
    }
    #expect(example.document.count == 500)
    #expect(tries < 16)
  }

  @Test func tooShortALength() {
    #expect(throws: EvaluationError.tooShort(100, needed: 120)) {
      try CaseLength(100) { $0.document.count }.fit(least: 12) {
        Self.example(10 * $0, size: $0)
      }
    }
  }
}
