import ApusCore
import ApusEvaluation
import Testing

@Suite struct PromptWriterTests {
  private func words(_ writer: PromptWriter, _ parts: PromptPart...) -> [Substring] {
    writer.prompt(.parts(parts)).stringValue?.split(separator: " ") ?? []
  }

  @Test func lengthsAndSeeds() {
    let writer = PromptWriter()
    let long = words(writer, PromptPart(seed: 1, tokens: 200))
    #expect(long.count == 200)
    #expect(words(writer, PromptPart(seed: 1, tokens: 50)) == Array(long.prefix(50)))
    #expect(words(writer, PromptPart(seed: 2, tokens: 200)) != long)
    var other = writer
    other.seed = 7
    #expect(words(other, PromptPart(seed: 1, tokens: 200)) != long)
  }

  @Test func tokensPerWord() {
    let writer = PromptWriter(material: .words(["ab", "cd"], tokensPerWord: 1.6))
    #expect(words(writer, PromptPart(seed: 1, tokens: 160)).count == 100)
  }

  @Test func theLastPartMakesRoomForTheTemplate() {
    let parts = [PromptPart(seed: 1, tokens: 20), PromptPart(seed: 2, tokens: 30)]
    let plain = words(PromptWriter(), parts[0], parts[1])
    let shortened = words(PromptWriter(overhead: 12), parts[0], parts[1])
    #expect(shortened == Array(plain.prefix(38)))
    #expect(words(PromptWriter(overhead: 90), parts[0], parts[1]).count == 21)
  }

  @Test func ids() throws {
    let writer = PromptWriter(material: .ids(256..<1000), method: .tokenIDs)
    let plan = PromptPlan.parts([PromptPart(seed: 4, tokens: 5000)])
    let ids = try #require(writer.prompt(plan).arrayValue).compactMap(\.intValue)
    #expect(ids.count == 5000)
    #expect(ids.allSatisfy { (256..<1000).contains($0) })
    #expect(Set(ids).count > 700)
  }

  @Test func wordsAreDistinct() {
    #expect(Set(WordList.words).count == WordList.words.count)
    #expect(WordList.words.count > 150)
  }
}

@Suite struct RequestBodyTests {
  @Test func fields() throws {
    var body = RequestBody(endpoint: .completions, model: "m", ignoreEOS: true)
    let plain = try JSONValue(parsing: body.streamed("hi", maxTokens: 5))
    #expect(
      plain == [
        "model": "m", "prompt": "hi", "max_tokens": 5, "ignore_eos": true, "stream": true,
        "stream_options": ["include_usage": true],
      ])
    body.endpoint = .chat
    body.ignoreEOS = false
    body.temperature = 0
    body.extra = JSONObject([
      ("max_tokens", nil), ("max_completion_tokens", 5), ("stream_options", nil),
    ])
    let chat = try JSONValue(parsing: body.streamed("hi", maxTokens: 5))
    #expect(
      chat == [
        "model": "m", "messages": [["role": "user", "content": "hi"]], "temperature": 0.0,
        "stream": true, "max_completion_tokens": 5,
      ])
  }
}

@Suite struct ServerAddressTests {
  @Test(arguments: [
    ("http://127.0.0.1:8080", "http://127.0.0.1:8080", ""),
    ("http://host/", "http://host", ""), ("https://host/v1/", "https://host", ""),
    ("http://host:80/a/b", "http://host/a/b", "/a/b"), ("http://[::1]:5/v1", "http://[::1]:5", ""),
  ])
  func addresses(text: String, printed: String, prefix: String) throws {
    let address = try ServerAddress(parsing: text)
    #expect(address.description == printed)
    #expect(address.prefix == prefix)
  }

  @Test(arguments: ["", "127.0.0.1:8080", "ftp://host", "http://", "http://host?x=1"])
  func wrongAddresses(text: String) {
    #expect(throws: AddressError.malformed(text)) { try ServerAddress(parsing: text) }
  }
}
