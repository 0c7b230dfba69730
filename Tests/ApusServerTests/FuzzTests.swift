import ApusCore
import ApusEngine
import ApusServer
import Testing

/// Whatever is sent, the answer is a success or an error in JSON that blames the client.
@Suite(.serialized) struct FuzzTests {
  private static let seeds: [(String, JSONValue)] = [
    (
      "/v1/chat/completions",
      chat(
        "Hi",
        [
          ("stream", true), ("n", 2), ("logprobs", true), ("top_logprobs", 2), ("seed", 1),
          ("stop", ["x", "y"]), ("logit_bias", ["5": 1]), ("tools", []),
          ("stream_options", ["include_usage": true]), ("chat_template_kwargs", ["a": 1]),
        ])
    ),
    (
      "/v1/completions",
      completion(
        ["a", "b"],
        [
          ("echo", true), ("logprobs", 2), ("min_tokens", 1), ("stop_token_ids", [3]),
          ("top_k", 5), ("top_p", 0.9), ("min_p", 0.1), ("typical_p", 0.9),
          ("repetition_penalty", 1.1), ("presence_penalty", 0.5), ("temperature", 0.7),
        ])
    ),
    ("/completion", completion([1, 2, 3])),
    ("/tokenize", ["content": "abc", "with_pieces": true]),
    ("/detokenize", ["tokens": [1, 2, 3]]),
    ("/apply-template", chat("Hi")),
  ]

  private static let values: [JSONValue] = [
    .null, true, false, 0, 1, -1, 3, 2_147_483_648, .integer(.max), .integer(.min), 0.5, -0.5,
    1e300, 1e-300, "", "x", "\u{0}\u{FFFF}", "\u{1F468}\u{200D}\u{1F469}", [], [[]], [1], ["a"],
    [[1], ["a"]], [:], ["a": 1], ["role": "user"], [["role": "user", "content": "x"]],
    [[:]], ["type": "text"], ["1": 0.5],
  ]

  @Test func mutatedBodiesAreAnsweredOrRefused() async throws {
    var engine = EngineConfiguration()
    engine.contextLength = 64
    let server = try await TestServer.ready(engine: engine)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<400 {
        if index >= 8 { try await group.next() }
        group.addTask {
          var random = RandomSource(seed: UInt64(index))
          let (path, seed) = Self.seeds[Self.pick(Self.seeds.count, &random)]
          let body = Self.mutated(seed, &random)
          let response = try await RawClient.request(
            "POST", path, port: server.port, body: body)
          let text = String(decoding: body, as: UTF8.self)
          #expect(
            response.status == 200 || (400..<500).contains(response.status)
              || response.status == 501, "\(index): \(response.status) \(path) \(text)")
          if response.status != 200 {
            #expect(try response.json()["error"]?["message"]?.stringValue != nil, "\(text)")
          } else if response.headers["content-type"] == "application/json" {
            _ = try response.json()
          } else {
            for chunk in try response.chunks() { #expect(chunk["error"] == nil, "\(text)") }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await server.becomesIdle())
    try await server.stop()
  }

  private static func pick(_ count: Int, _ random: inout RandomSource) -> Int {
    min(Int(random.nextUnit() * Double(count)), count - 1)
  }

  /// Other values in some fields, or other bytes in the text.
  private static func mutated(_ seed: JSONValue, _ random: inout RandomSource) -> [UInt8] {
    guard pick(3, &random) > 0, case .object(var object) = seed else {
      var bytes = seed.utf8
      for _ in 0...pick(4, &random) {
        let index = pick(bytes.count, &random)
        switch pick(3, &random) {
        case 0: bytes[index] = UInt8(pick(256, &random))
        case 1: bytes.remove(at: index)
        default: bytes.insert(bytes[pick(bytes.count, &random)], at: index)
        }
      }
      return bytes
    }
    for _ in 0...pick(3, &random) {
      let keys = object.keys
      object[keys[pick(keys.count, &random)]] = values[pick(values.count, &random)]
    }
    return JSONValue.object(object).utf8
  }
}
