import ApusCore
import ApusEvaluation
import Testing

@Suite(.serialized) struct CalibrationTests {
  /// Words of this server that begin with "th" are two tokens, the others one.
  private static func tokens(_ text: String) -> Int {
    text.split(separator: " ").reduce(0) { $0 + ($1.hasPrefix("th") ? 2 : 1) }
  }

  private func writer(
    ids: Range<Int>? = nil, isGiven: Bool = false,
    _ script: @escaping @Sendable (ScriptedServer.Call) -> [ScriptedServer.Step]
  ) async throws -> (PromptWriter, ScriptedServer) {
    let server = try await ScriptedServer(script)
    let client = try server.client(apiKey: "secret")
    let body = RequestBody(endpoint: .completions, model: "m", ignoreEOS: false)
    let result = await Result { () async throws in
      try await PromptCalibration(client, body).writer(ids: ids, isGiven: isGiven)
    }
    try await client.shutdown()
    try await server.stop()
    return (try result.get(), server)
  }

  /// An answer with `usage` that counts `template` tokens more than the prompt has.
  private static func completion(
    _ call: ScriptedServer.Call, template: Int
  ) -> [ScriptedServer.Step] {
    let prompt = call.body["prompt"]
    let count = prompt?.arrayValue?.count ?? tokens(prompt?.stringValue ?? "")
    return Script.json([
      "choices": [["text": "x"]], "usage": ["prompt_tokens": .integer(Int64(count + template))],
    ])
  }

  @Test func wordsOfOneToken() async throws {
    let (writer, server) = try await writer { call in
      guard call.path == "/tokenize" else { return Self.completion(call, template: 13) }
      let count = Self.tokens(call.body["content"]?.stringValue ?? "")
      return Script.json(["tokens": .array(Array(repeating: 7, count: count))])
    }
    #expect(writer.method == .tokenize)
    #expect(writer.overhead == 13)
    guard case .words(let words, let tokensPerWord) = writer.material else {
      Issue.record("no words")
      return
    }
    #expect(tokensPerWord == 1)
    #expect(words == WordList.words.filter { !$0.hasPrefix("th") })
    #expect(server.calls.allSatisfy { $0.authorization == "Bearer secret" })
    let prompt = writer.prompt(.parts([PromptPart(seed: 1, tokens: 100)])).stringValue ?? ""
    #expect(Self.tokens(prompt) + 13 == 100)
  }

  /// vLLM's /tokenize gives a count; where no word is one token, the mean counts.
  @Test func wordsOfSeveralTokens() async throws {
    let (writer, _) = try await writer { call in
      guard call.path == "/tokenize" else { return Self.completion(call, template: 0) }
      let words = call.body["prompt"]?.stringValue?.split(separator: " ").count ?? 0
      return Script.json(["count": .integer(Int64(words * 3))])
    }
    #expect(writer.material == .words(WordList.words, tokensPerWord: 3))
  }

  @Test func usageOfTwoRequests() async throws {
    let (writer, _) = try await writer { call in
      guard call.path != "/tokenize" else { return Script.json(["error": "unknown"], status: 404) }
      let words = Script.words(call).count
      return Script.json([
        "choices": [], "usage": ["prompt_tokens": .integer(Int64(words * 3 / 2 + 9))],
      ])
    }
    #expect(writer.method == .usage)
    #expect(writer.overhead == 9)
    #expect(writer.material == .words(WordList.words, tokensPerWord: 1.5))
  }

  @Test func nothingIsCounted() async throws {
    let (writer, _) = try await writer { call in
      call.path == "/tokenize"
        ? Script.json([:], status: 404) : Script.json(["choices": [["text": "x"]]])
    }
    #expect(writer.method == .words && writer.overhead == 0)
  }

  @Test func ids() async throws {
    let (writer, server) = try await writer(ids: 0..<100) { Self.completion($0, template: 1) }
    #expect(writer.method == .tokenIDs && writer.overhead == 1)
    #expect(server.calls.count == 1)
    #expect(server.calls.first?.body["prompt"]?.arrayValue?.count == 64)
  }

  @Test func textsOfAFile() async throws {
    let (writer, server) = try await writer(isGiven: true) { Self.completion($0, template: 5) }
    #expect(writer.method == .given && writer.overhead == 0)
    #expect(server.calls.count == 1)
  }

  @Test func aRefusalIsThrown() async throws {
    await #expect(throws: LoadFailure.status(404, "no such model")) {
      _ = try await writer { _ in
        Script.json(["error": ["message": "no such model"]], status: 404)
      }
    }
  }

  @Test func theFirstModel() async throws {
    let server = try await ScriptedServer { call in
      #expect(call.method == "GET" && call.path == "/v1/models")
      return Script.json(["data": [["id": "one"], ["id": "two"]]])
    }
    let client = try server.client()
    #expect(try await client.firstModel() == "one")
    try await client.shutdown()
    try await server.stop()
  }

  /// Not every port has a server behind it that answers.
  @Test func silenceIsAFailure() async throws {
    let server = try await ScriptedServer { _ in [.wait(60_000), .end] }
    let client = try server.client(timeout: 0.2)
    await #expect(throws: LoadFailure.stalled(seconds: 0.2)) { _ = try await client.firstModel() }
    try await client.shutdown()
    try await server.stop()
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
