import Apus
import Testing

/// The listings do what the articles say.
@Suite(.serialized) struct ListingTests {
  @Test func readmeWritesTalksAndEmbeds() async throws {
    let lines = try await ListingOutput.lines { try await readme() }
    try #require(lines.count == 3)
    #expect(lines[1] == lines[0] + "The Teal carried salt.")
    #expect(lines[2] == "2 384")
  }

  @Test func gettingStarted() async throws {
    let model = try await loading()
    #expect(model.contextLength == 32_768)
    let written = try await ListingOutput.lines { try await writing(model) }
    #expect(written.count == 2)
    let streamed = try await ListingOutput.lines { try await streaming(model) }
    #expect(streamed == [written[0]])
    #expect(try await ListingOutput.lines { try await sampling(model) } == ["false ."])
    let told = try await ListingOutput.lines { try await events(model) }
    #expect(told.last == "length")
    let talk = try await ListingOutput.lines { try await talking(model) }
    #expect(talk == ["The Kestrel carried timber.", "2 messages"])
    #expect(try await ListingOutput.lines { try await embedding(model) } == ["2 384", "true"])
    #expect(
      try await ListingOutput.lines { try await refusing(model) } == ["error: the prompt is empty"])
    #expect(try await configuring().contextLength == 8192)
  }

  @Test func longDocument() async throws {
    let document = try Documentation.example("survey.txt")
    let lines = try await ListingOutput.lines { try await asking(document) }
    #expect(
      lines.dropLast() == [
        "Esther Marsh keeps a donkey.", "The pass key is 40817.", "true", "The pass key is 40817.",
        "kv-policy:snapkv:budget=0.5,kernel=15", "select:quest:budget=1024", "true",
      ])
    #expect(lines.last?.hasPrefix("too long by ") == true)
    #expect(try await ListingOutput.lines { naming() }.count == 3)
    let model = try await storingLess()
    let request = TextRequest("The Marigold", for: model)
    #expect(!request.generation.prompt.isEmpty)
  }
}
