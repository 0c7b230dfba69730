import Apus
import ApusCore
import ApusEngine
import ApusModels
import ApusServer
import Foundation
import Testing

@Suite(.serialized) struct EmbeddingTests {
  private static let golden = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../Golden/embeddings").standardizedFileURL

  private static func serving(
    _ name: String, _ body: (TestServer) async throws -> Void
  ) async throws {
    let path = golden.appending(path: name).path
    let server = try await TestServer.ready(load: { try loadModel(.path(path)) })
    do { try await body(server) } catch {
      try await server.stop()
      throw error
    }
    try await server.stop()
  }

  private static func floats(_ value: JSONValue?) -> [Double] {
    (value?.arrayValue ?? []).compactMap(\.doubleValue)
  }

  private static func error(_ response: RawResponse) throws -> JSONValue? {
    try response.json()["error"]
  }

  @Test func encoderAnswersAsTransformers() async throws {
    let json = try JSONValue(
      parsing: Array(Data(contentsOf: Self.golden.appending(path: "golden.json"))))
    let texts = try #require(json["texts"]?.arrayValue)
    try await Self.serving("bert") { server in
      let input = JSONValue.array(texts.compactMap { $0["text"] })
      let answer = try await server.post("/v1/embeddings", ["input": input, "user": "me"]).json()
      let data = try #require(answer["data"]?.arrayValue)
      try #require(data.count == texts.count)
      for (index, text) in texts.enumerated() {
        #expect(data[index]["index"] == .integer(Int64(index)))
        let (found, wanted) = (Self.floats(data[index]["embedding"]), Self.floats(text["mean"]))
        try #require(found.count == wanted.count)
        #expect(zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-4 })
      }
      let count = texts.reduce(0) { $0 + ($1["tokens"]?.arrayValue?.count ?? 0) }
      #expect(answer["usage"]?["prompt_tokens"] == .integer(Int64(count)))
      #expect(answer["usage"]?["total_tokens"] == .integer(Int64(count)))
      #expect(answer["model"] == "bert")

      // The same vectors from tokens, and as bytes.
      let ids = JSONValue.array(texts.prefix(2).compactMap { $0["tokens"] })
      let coded = try await server.post(
        "/v1/embeddings", ["input": ids, "encoding_format": "base64"]
      ).json()
      for index in 0..<2 {
        let text = try #require(coded["data"]?[index]?["embedding"]?.stringValue)
        let bytes = try #require(Data(base64Encoded: text))
        let floats = stride(from: 0, to: bytes.count, by: 4).map { start in
          Float(
            bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * $1) })
        }
        #expect(floats.map { Double(String($0)) } == Self.floats(data[index]["embedding"]))
      }
      // llama-server's form.
      let plain = try await server.post("/embedding", ["content": texts[0]["text"] ?? ""]).json()
      #expect(plain[0]?["embedding"]?[0] == data[0]["embedding"])
    }
  }

  @Test func encoderRefusesByName() async throws {
    try await Self.serving("bert") { server in
      let long = JSONValue.string(String(repeating: "rain ", count: 60))
      let tooLong = try await server.post("/v1/embeddings", ["input": ["a", long]])
      #expect(tooLong.status == 400)
      #expect(try Self.error(tooLong)?["type"] == "exceed_context_size_error")
      #expect(
        try Self.error(tooLong)?["message"]
          == "text 1 has 62 tokens, the model reads at most 48")
      let cut = try await server.post(
        "/v1/embeddings", ["input": long, "truncate_prompt_tokens": -1]
      ).json()
      #expect(cut["usage"]?["prompt_tokens"] == 48)
      let same = try await server.post(
        "/v1/embeddings", ["input": .string(String(repeating: "rain ", count: 46))]
      ).json()
      #expect(cut["data"]?[0]?["embedding"] == same["data"]?[0]?["embedding"])
      let cases: [(JSONValue, Int, JSONValue)] = [
        ([:], 400, "input"), (["input": []], 400, "input"), (["input": 3], 400, "input"),
        (["input": [[9_999_999]]], 400, "input"), (["input": [[]]], 400, "input"),
        (["input": "a", "encoding_format": "int8"], 400, "encoding_format"),
        (["input": "a", "dimensions": 16], 400, "dimensions"),
        (["input": "a", "dimensions": "x"], 400, "dimensions"),
        (["input": "a", "truncate_prompt_tokens": 0], 400, "truncate_prompt_tokens"),
        (["input": "a", "messages": [["role": "user"]]], 501, "messages"),
      ]
      for (body, status, parameter) in cases {
        let response = try await server.post("/v1/embeddings", body)
        #expect(response.status == status, "\(body.text)")
        #expect(try Self.error(response)?["param"] == parameter, "\(body.text)")
      }
      let whole = try await server.post("/v1/embeddings", ["input": "a", "dimensions": 32])
      #expect(whole.status == 200)
    }
  }

  @Test func encoderServerTellsOfItselfAndWritesNoText() async throws {
    try await Self.serving("bert.gguf") { server in
      for path in ["/health", "/v1/models", "/props", "/slots", "/metrics"] {
        #expect(try await server.get(path).status == 200, "\(path)")
      }
      let entry = try await server.get("/v1/models").json()["data"]?[0]
      #expect(entry?["max_model_len"] == 64)
      for path in ["/v1/chat/completions", "/v1/completions", "/completion", "/apply-template"] {
        let response = try await server.post(path, chat("Hello", [("prompt", "Hello")]))
        #expect(response.status == 501, "\(path)")
        #expect(try Self.error(response)?["type"] == "not_supported_error")
      }
      let tokens = try await server.post("/tokenize", ["prompt": "the rain"]).json()
      #expect(tokens["count"] == 4)
    }
  }

  @Test func crossEncoderRanks() async throws {
    let json = try JSONValue(
      parsing: Array(Data(contentsOf: Self.golden.appending(path: "golden.json"))))
    let scores = Self.floats(json["scores"])
    let documents = try #require(json["documents"]?.arrayValue)
    try await Self.serving("ranker") { server in
      let body: JSONValue = [
        "query": json["query"] ?? "", "documents": .array(documents), "return_documents": true,
      ]
      let answer = try await server.post("/v1/rerank", body).json()
      let results = try #require(answer["results"]?.arrayValue)
      #expect(results.count == scores.count)
      let found = results.compactMap { $0["relevance_score"]?.doubleValue }
      #expect(found == found.sorted(by: >))
      for result in results {
        let index = try #require(result["index"]?.intValue)
        #expect(abs((result["relevance_score"]?.doubleValue ?? 9) - scores[index]) < 1e-4)
        #expect(result["document"]?["text"] == documents[index])
      }
      let vectors = try await server.post("/v1/embeddings", ["input": "a"])
      #expect(vectors.status == 501)
    }
  }

  @Test func languageModelEmbedsAndRanks() async throws {
    let server = try await TestServer.shared.value
    let texts: JSONValue = ["The river is wide.", "Bread", "The river is wide."]
    let answer = try await server.post("/v1/embeddings", ["input": texts]).json()
    let vectors = (0..<3).map { Self.floats(answer["data"]?[$0]?["embedding"]) }
    #expect(vectors[0] == vectors[2])
    #expect(vectors[0] != vectors[1])
    for vector in vectors {
      #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-4)
    }
    let alone = try await server.post("/v1/embeddings", ["input": "Bread"]).json()
    #expect(Self.floats(alone["data"]?[0]?["embedding"]) == vectors[1])

    let body: JSONValue = [
      "query": "The river is wide.", "documents": ["Bread", ["text": "The river is wide."]],
      "top_n": 1,
    ]
    for path in ["/v1/rerank", "/rerank", "/reranking", "/v1/reranking"] {
      let ranked = try await server.post(path, body).json()
      #expect(ranked["results"]?.arrayValue?.count == 1)
      #expect(ranked["results"]?[0]?["index"] == 1)
      #expect(abs((ranked["results"]?[0]?["relevance_score"]?.doubleValue ?? 0) - 1) < 1e-4)
    }
    for (bad, parameter) in [
      (["documents": ["a"]], "query"), (["query": "a"], "documents"),
      (["query": "a", "documents": []], "documents"),
      (["query": "a", "documents": [1]], "documents"),
      (["query": "a", "documents": ["b"], "top_n": 0], "top_n"),
    ] as [(JSONValue, JSONValue)] {
      let response = try await server.post("/v1/rerank", bad)
      #expect(response.status == 400)
      #expect(try Self.error(response)?["param"] == parameter)
    }
  }

  /// A mean over a prompt that is read in several steps is that over one that is read in one.
  @Test func meanDoesNotDependOnSteps() async throws {
    let text = String(repeating: "The river is wide and slow. ", count: 30)
    var vectors: [[[Float]]] = []
    for step in [512, 64] {
      var engine = EngineConfiguration()
      engine.maxBatchedTokens = step
      engine.contextLength = 1024
      engine.threadCount = 1
      let model = try LanguageModel(.builtin("reader"), configuration: engine)
      var options = EmbeddingOptions()
      options.pooling = .mean
      vectors.append(try await model.embed([text], options))
      await model.engine.shutdown(deadline: .zero)
    }
    #expect(vectors[0] == vectors[1])
  }
}
