import ApusCore
import Foundation
import Testing

/// Two trained models against llama.cpp and transformers; made by `Tests/Golden/models/stories.py`.
@Suite(.serialized) struct StoriesTests {
  private func golden(_ model: String) throws -> JSONValue {
    let file = ModelFixture.folder.appending(path: "stories.json")
    return try #require(JSONValue(parsing: Array(Data(contentsOf: file)))[model])
  }

  private func tokens(_ json: JSONValue?) throws -> [TokenID] {
    try #require(json?.arrayValue).map { TokenID($0.intValue!) }
  }

  private static let stories = "weights/stories260K-gguf/tinyllm.gguf"

  /// The figure that stands beside llama2.c's form of the model.
  @Test(.enabled(if: Artefacts.stories, "\(Artefacts.skip)"), arguments: InstructionSets.available)
  func logLikelihood(_ isa: String) throws {
    let sentence = try tokens(golden("stories260K")["sentence"])
    #expect(sentence.count == 35)
    let rows = try ModelHarness(Artefacts.path(Self.stories), instructionSet: isa).logits(sentence)
    var loss = 0.0
    for (row, next) in zip(rows, sentence.dropFirst()) {
      let highest = Double(row.max()!)
      let sum = row.reduce(0) { $0 + exp(Double($1) - highest) }
      loss += highest + log(sum) - Double(row[Int(next)])
    }
    #expect(abs(loss - 54.404) < 0.01)
  }

  @Test(.enabled(if: Artefacts.stories, "\(Artefacts.skip)"))
  func continuesLikeLlamaCpp() throws {
    let golden = try golden("stories260K")
    let expected = try tokens(golden["continuation"])
    #expect(expected.count == 200)
    let model = try ModelHarness(Artefacts.path(Self.stories), contextLength: 512)
    #expect(try model.greedy(tokens(golden["prompt"]), count: 200) == expected)
  }

  @Test(.enabled(if: Artefacts.tinyStories, "\(Artefacts.skip)"))
  func continuesLikeTransformers() throws {
    let golden = try golden("tinyStories656K")
    let expected = try tokens(golden["continuation"])
    #expect(expected.count == 100)
    let model = try ModelHarness(Artefacts.path("weights/tinystories-656k-hf"))
    #expect(try model.greedy(tokens(golden["prompt"]), count: 100) == expected)
  }
}
