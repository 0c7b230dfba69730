import ApusCore
import ApusEngine
import Testing

@Suite(.serialized) struct CompletionTests {
  @Test func answersHaveOpenAIsShape() async throws {
    let server = try await TestServer.shared.value
    let response = try await server.post("/v1/completions", completion("The cat"))
    let answer = try response.json()
    #expect(answer["id"]?.stringValue?.hasPrefix("cmpl-") == true)
    #expect(answer["object"] == "text_completion")
    #expect(answer["choices"]?[0]?["finish_reason"] == "length")
    #expect(answer["usage"]?["completion_tokens"] == 8)
    #expect(answer["usage"]?["prompt_tokens_details"]?["cached_tokens"]?.intValue != nil)
    #expect(answer["timings"]?["predicted_n"] == 8)
    #expect(answer["apus"]?["exact"] == true)
    let again = try await server.post("/v1/completions", completion("The cat")).json()
    #expect(again["choices"]?[0]?["text"] == answer["choices"]?[0]?["text"])
  }

  /// Rounded keys and values are an approximation, and the answer says so.
  @Test func approximateAnswersSaySo() async throws {
    var engine = EngineConfiguration()
    engine.keyFormat = "q8_0"
    engine.valueFormat = "q4_0"
    let server = try await TestServer.ready(engine: engine)
    let answer = try await server.post("/v1/completions", completion("The cat")).json()
    #expect(answer["apus"]?["exact"] == false)
    #expect(answer["apus"]?["methods"] == ["cache-type-k:q8_0", "cache-type-v:q4_0"])
    try await server.stop()
  }

  @Test func chatHasOpenAIsShape() async throws {
    let server = try await TestServer.shared.value
    let fields: [(String, JSONValue)] = [("logprobs", true), ("top_logprobs", 2)]
    let answer = try await server.post("/v1/chat/completions", chat("Hello", fields)).json()
    #expect(answer["id"]?.stringValue?.hasPrefix("chatcmpl-") == true)
    #expect(answer["object"] == "chat.completion")
    let choice = answer["choices"]?[0]
    #expect(choice?["message"]?["role"] == "assistant")
    let content = try #require(choice?["logprobs"]?["content"]?.arrayValue)
    let text = content.compactMap { $0["token"]?.stringValue }.joined()
    #expect(choice?["message"]?["content"] == .string(text))
    for entry in content {
      let top = try #require(entry["top_logprobs"]?.arrayValue)
      #expect(top.count == 2)
      // The answer is greedy, so the first of the list is the chosen one.
      #expect(top[0]["token"] == entry["token"])
      #expect(top[0]["logprob"] == entry["logprob"])
    }
  }

  @Test func seedsDecideAndChoicesDiffer() async throws {
    let server = try await TestServer.shared.value
    let fields: [(String, JSONValue)] = [("n", 3), ("seed", 7), ("temperature", 1.5)]
    func texts(_ fields: [(String, JSONValue)]) async throws -> [JSONValue] {
      let answer = try await server.post("/v1/completions", completion("Once", fields)).json()
      return (answer["choices"]?.arrayValue ?? []).compactMap { $0["text"] }
    }
    let first = try await texts(fields)
    #expect(first.count == 3)
    #expect(Set(first.map(\.text)).count > 1)
    #expect(try await texts(fields) == first)
    // Choice i of seed s is choice 0 of seed s + i.
    #expect(try await texts([("seed", 8), ("temperature", 1.5)]) == [first[1]])
  }

  @Test func promptsOfOneRequestAreAnsweredInOrder() async throws {
    let server = try await TestServer.shared.value
    let prompts = ["The cat", "A dog and", "Numbers:"]
    let together = try await server.post(
      "/v1/completions", completion(.array(prompts.map { .string($0) }), [("n", 2)])
    ).json()
    #expect(together["choices"]?.arrayValue?.count == 6)
    for (index, prompt) in prompts.enumerated() {
      let alone = try await server.post("/v1/completions", completion(.string(prompt))).json()
      for choice in 0..<2 {
        let entry = together["choices"]?[index * 2 + choice]
        #expect(entry?["text"] == alone["choices"]?[0]?["text"])
        #expect(entry?["index"]?.intValue == index * 2 + choice)
      }
    }
  }

  @Test func stopStringsAreCutOff() async throws {
    let server = try await TestServer.shared.value
    let whole = try await server.post(
      "/v1/completions", completion("The cat", [("max_tokens", 16)])
    ).json()
    let text = try #require(whole["choices"]?[0]?["text"]?.stringValue)
    let middle = text.index(text.startIndex, offsetBy: text.count / 2)
    let stop = String(text[middle...].prefix(3))
    let cut = try #require(text.range(of: stop)).lowerBound
    for stream in [false, true] {
      let response = try await server.post(
        "/v1/completions",
        completion(
          "The cat", [("max_tokens", 16), ("stop", .string(stop)), ("stream", .bool(stream))]))
      let pieces = stream ? try response.chunks() : [try response.json()]
      let shown = pieces.compactMap { $0["choices"]?[0]?["text"]?.stringValue }.joined()
      #expect(shown == String(text[..<cut]))
      let reasons = pieces.compactMap { $0["choices"]?[0]?["finish_reason"]?.stringValue }
      #expect(reasons == ["stop"])
    }
    #expect(try await server.becomesIdle())
  }

  @Test func stopTokensAndMinimum() async throws {
    let server = try await TestServer.shared.value
    let first = try await server.post(
      "/v1/completions", completion("The cat", [("max_tokens", 1), ("logprobs", 0)])
    ).json()
    let piece = try #require(first["choices"]?[0]?["logprobs"]?["tokens"]?[0])
    let ids = try await server.post("/tokenize", ["content": piece]).json()["tokens"] ?? []
    #expect(ids.arrayValue?.count == 1)
    let stopped = try await server.post(
      "/v1/completions", completion("The cat", [("stop_token_ids", ids)])
    ).json()
    #expect(stopped["choices"]?[0]?["finish_reason"] == "stop")
    #expect(stopped["choices"]?[0]?["text"] == "")
    let longer = try await server.post(
      "/v1/completions",
      completion("The cat", [("stop_token_ids", ids), ("min_tokens", 3), ("ignore_eos", true)])
    ).json()
    #expect((longer["usage"]?["completion_tokens"]?.intValue ?? 0) >= 3)
  }

  @Test func biasDecides() async throws {
    let server = try await TestServer.shared.value
    for bias: JSONValue in [["300": 100], [[300, 100]]] {
      let answer = try await server.post(
        "/v1/completions",
        completion("The cat", [("logit_bias", bias), ("max_tokens", 3), ("logprobs", 0)])
      ).json()
      let tokens = try #require(answer["choices"]?[0]?["logprobs"]?["tokens"]?.arrayValue)
      #expect(Set(tokens.map(\.text)).count == 1)
    }
  }

  /// The request and the reading of lm-evaluation-harness.
  @Test func harnessesCanScoreContinuations() async throws {
    let server = try await TestServer.shared.value
    let text = "The cat sat on the mat"
    let ids = try await server.post("/tokenize", ["prompt": .string(text)]).json()["tokens"] ?? []
    let count = try #require(ids.arrayValue?.count)
    var scored: [JSONValue] = []
    for maxTokens in [0, 1] {
      let answer = try await server.post(
        "/v1/completions",
        completion(
          [ids, ids],
          [("max_tokens", .integer(Int64(maxTokens))), ("logprobs", 1), ("echo", true)])
      ).json()
      #expect(answer["choices"]?.arrayValue?.count == 2)
      let table = try #require(answer["choices"]?[1]?["logprobs"])
      let logprobs = try #require(table["token_logprobs"]?.arrayValue)
      #expect(logprobs.count == count + maxTokens)
      #expect(logprobs[0].isNull)
      #expect(table["top_logprobs"]?[0]?.isNull == true)
      for index in 1..<logprobs.count {
        let own = try #require(logprobs[index].doubleValue)
        let top = try #require(table["top_logprobs"]?[index]?.objectValue)
        #expect(own <= 0)
        #expect(top.entries.compactMap(\.value.doubleValue).max().map { own <= $0 } == true)
      }
      let tokens = (table["tokens"]?.arrayValue ?? []).compactMap(\.stringValue)
      #expect(tokens.prefix(count).joined() == text)
      let offsets = (table["text_offset"]?.arrayValue ?? []).compactMap(\.intValue)
      #expect(offsets == tokens.indices.map { tokens[..<$0].joined().unicodeScalars.count })
      #expect(answer["choices"]?[1]?["text"]?.stringValue?.hasPrefix(text) == true)
      scored.append(.array(Array(logprobs.prefix(count))))
    }
    #expect(scored[0] == scored[1])
  }

  @Test func promptScoresInVLLMsForm() async throws {
    let server = try await TestServer.shared.value
    let answer = try await server.post(
      "/v1/chat/completions", chat("Hello", [("prompt_logprobs", 2)])
    ).json()
    let scores = try #require(answer["prompt_logprobs"]?.arrayValue)
    #expect(scores.count == answer["usage"]?["prompt_tokens"]?.intValue)
    #expect(scores[0].isNull)
    for score in scores.dropFirst() {
      let entries = try #require(score.objectValue).entries
      #expect((2...3).contains(entries.count))
      #expect(entries.allSatisfy { $0.value["rank"]?.intValue ?? 0 > 0 })
    }
  }

  @Test func llamaServersForm() async throws {
    let server = try await TestServer.shared.value
    let body: JSONValue = ["prompt": "The cat", "n_predict": 4, "temperature": 0]
    let answer = try await server.post("/completion", body).json()
    #expect(answer["stop"] == true)
    #expect(answer["stop_type"] == "limit")
    #expect(answer["tokens_predicted"] == 4)
    let openAI = try await server.post(
      "/completions", completion("The cat", [("max_tokens", 4)])
    ).json()
    #expect(answer["content"] == openAI["choices"]?[0]?["text"])
  }
}
