import ApusCore
import ApusEngine
import ApusModels
import Testing

@Suite(.serialized) struct HeadFinderTests {
  private func finder(_ length: Int, threads: Int = 2) throws -> HeadFinder {
    var configuration = EngineConfiguration()
    configuration.threadCount = threads
    return try HeadFinder(
      try Checkpoint.open(Reader.path), configuration: configuration, length: length)
  }

  /// The embedded model looks things up, and not with all of its heads.
  @Test func theReaderHasHeadsThatLookThingsUp() throws {
    let scores = try finder(24).scores(seed: 1)
    #expect(scores.echo.map(\.count) == Array(repeating: 6, count: 8))
    #expect(scores.induction.map(\.count) == Array(repeating: 6, count: 8))
    #expect(scores.heads.map(\.count) == Array(repeating: 2, count: 8))
    let all = Array(scores.heads.joined())
    #expect(all.allSatisfy { $0 >= 0 && $0 <= 1 })
    #expect((all.max() ?? 0) > 0.3, "\(all)")
    #expect((all.min() ?? 1) < 0.03, "\(all)")
    for layer in 0..<8 {
      for head in 0..<2 {
        let group = head * 3..<head * 3 + 3
        let larger = (scores.echo[layer][group] + scores.induction[layer][group]).max()
        #expect(scores.heads[layer][head] == larger)
      }
    }
  }

  @Test func scoresAreRepeatable() throws {
    let first = try finder(40).scores(seed: 3)
    #expect(try finder(40, threads: 1).scores(seed: 3) == first)
    let again = try finder(40)
    #expect(again.scores(seed: 4) != first)
    #expect(again.scores(seed: 3) == first, "nothing stays of another text")
  }

  /// In longer texts too, the same heads are first.
  @Test func lengthsAgreeOnTheFirstHeads() throws {
    for length in [24, 100, 256] {
      let pattern = try finder(length).scores(seed: 2).pattern(retrieval: 0.25)
      #expect(pattern[1].allSatisfy { $0 >= 0.5 }, "\(length): \(pattern)")
    }
  }

  @Test func patternsFollowTheRank() {
    var shape = ModelShape(
      layerCount: 2, headCount: 4, kvHeadCount: 2, headDimension: 8, vocabularySize: 100,
      contextLength: 64)
    let scores = HeadScores(
      echo: [[0.1, 0.2, 0, 0.3], [0.9, 0, 0.3, 0]],
      induction: [[0, 0.6, 0, 0], [0, 0.1, 0, 0.2]], shape: shape)
    #expect(scores.heads == [[0.6, 0.3], [0.9, 0.3]])
    #expect(scores.pattern(retrieval: 0.5) == [[0.75, 0.25], [1, 0]])
    let most: [[Double]] = [[0.8333333333333334, 0.6666666666666667], [1, 0]]
    #expect(scores.pattern(retrieval: 0.75) == most)
    #expect(scores.pattern(retrieval: 0).joined().allSatisfy { $0 < 0.5 })
    #expect(scores.pattern(retrieval: 1).joined().allSatisfy { $0 >= 0.5 })
    shape.kvHeadCount = 4
    let single = HeadScores(echo: scores.echo, induction: scores.induction, shape: shape)
    #expect(single.heads == [[0.1, 0.6, 0, 0.3], [0.9, 0.1, 0.3, 0.2]])
  }

  @Test func lengthsThatDoNotFitAreRefused() throws {
    for length in [1, 16_385] {
      #expect(throws: HeadFinderError.wrongLength(length, contextLength: 32_768)) {
        try finder(length)
      }
    }
  }
}
