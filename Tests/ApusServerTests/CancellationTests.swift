import ApusCore
import ApusEngine
import ApusServer
import Foundation
import Testing

@Suite(.serialized) struct CancellationTests {
  @Test func abandonedStreamsFreeTheirPages() async throws {
    let server = try await TestServer.ready()
    let port = server.port
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<264 {
        // No more than 64 at once.
        if index >= 64 { try await group.next() }
        group.addTask {
          let body = chat(
            "Question \(index)", [("stream", true), ("max_tokens", 24), ("ignore_eos", true)])
          if index < 64 {
            let response = try await RawClient.request(
              "POST", "/v1/chat/completions", port: port, body: body.utf8)
            #expect(response.status == 200)
            #expect(response.events.last == "[DONE]")
          } else {
            try await RawClient.abandon("/v1/chat/completions", port: port, body: body.utf8) {
              String(decoding: $0, as: UTF8.self).components(separatedBy: "data: ").count > 6
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await server.becomesIdle())
    #expect(server.model?.engine.statistics.usedPages == 0)
    let metrics = try await server.get("/metrics").text
    #expect(metrics.contains("vllm:num_requests_running{model_name=\"reader\"} 0\n"))
    try await server.stop()
  }

  /// Nothing is written while a prompt is read, so only the closed connection can tell.
  @Test(arguments: [false, true])
  func aClientThatLeavesDuringThePromptEndsIt(_ stream: Bool) async throws {
    var engine = EngineConfiguration()
    engine.maxBatchedTokens = 4
    engine.threadCount = 1
    let server = try await TestServer.ready(engine: engine)
    let model = try #require(server.model)
    let count = model.engine.contextLength - 8
    let body = completion(
      .array(Array(repeating: 5, count: count)), [("stream", .bool(stream))])
    let port = server.port
    try await RawClient.onThread {
      let connection = try RawConnection(port: port)
      let head = RawClient.head("POST", "/v1/completions", length: body.utf8.count, headers: [])
      try connection.send(head + body.utf8)
      while model.engine.statistics.counters.steps < 5 { Thread.sleep(forTimeInterval: 0.001) }
    }
    let left = model.engine.statistics.counters.steps
    #expect(try await server.becomesIdle())
    let steps = model.engine.statistics.counters.steps
    #expect(steps < count / 4 / 2, "the prompt takes \(count / 4) steps; left at \(left)")
    try await server.stop()
  }

  @Test func manyAtOnceAnswerAsAlone() async throws {
    let server = try await TestServer.shared.value
    let alone = try await server.post("/v1/chat/completions", chat("Hello")).json()
    try await withThrowingTaskGroup { group in
      for _ in 0..<32 {
        group.addTask { try await server.post("/v1/chat/completions", chat("Hello")).json() }
      }
      for try await answer in group {
        #expect(answer["choices"] == alone["choices"])
      }
    }
  }

  @Test func tooManyWaitingAreTurnedAway() async throws {
    var engine = EngineConfiguration()
    engine.maxSequences = 1
    engine.maxWaiting = 1
    let server = try await TestServer.ready(engine: engine)
    let responses = try await withThrowingTaskGroup { group in
      for index in 0..<12 {
        group.addTask {
          try await server.post(
            "/v1/chat/completions",
            chat(
              "Hi", [("max_tokens", 60), ("ignore_eos", true), ("stream", .bool(index % 2 == 0))])
          )
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(responses.contains { $0.status == 200 })
    let refused = responses.filter { $0.status != 200 }
    #expect(!refused.isEmpty)
    for response in refused {
      #expect(response.status == 429)
      #expect(response.headers["retry-after"] != nil)
      #expect(try response.json()["error"]?["type"] == "overloaded_error")
    }
    try await server.stop()
  }
}
