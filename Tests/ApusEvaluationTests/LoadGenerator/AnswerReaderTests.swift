import ApusCore
import ApusEvaluation
import Testing

@Suite struct EventStreamTests {
  private static let stream = Array(
    "\u{FEFF}: ping\n\ndata: one\n\nevent: x\ndata:two\r\ndata:  tail é\r\n\r\nid: 4\n\n\rdata\r\rdata: [DONE]\n\n"
      .utf8)
  private static let events = ["one", "two\n tail é", "", "[DONE]"]

  private func read(_ pieces: [[UInt8]]) throws -> [String] {
    var parser = EventStreamParser()
    var events: [String] = []
    for piece in pieces {
      try parser.read(piece) { events.append(String(decoding: $0, as: UTF8.self)) }
    }
    return events
  }

  @Test func splitAnywhereInTwo() throws {
    for place in 0...Self.stream.count {
      let pieces = [Array(Self.stream[..<place]), Array(Self.stream[place...])]
      #expect(try read(pieces) == Self.events, "split at \(place)")
    }
  }

  @Test func splitIntoBytes() throws {
    #expect(try read(Self.stream.map { [$0] }) == Self.events)
  }

  @Test func unfinishedEventsAreNotPassedOn() throws {
    #expect(try read([Array("data: one\n\ndata: two\n".utf8)]) == ["one"])
  }

  @Test func endlessLinesAreRefused() {
    var parser = EventStreamParser()
    let bytes = [UInt8](repeating: 65, count: EventStreamParser.limit + 1)
    #expect(throws: LoadFailure.self) { try parser.read(bytes) { _ in } }
  }
}

@Suite struct AnswerReaderTests {
  private func read(_ pieces: [(Int64, [UInt8])]) throws -> RequestRecord {
    var reader = AnswerReader()
    var record = RequestRecord(index: 0, sent: 100, inputTokens: 7)
    for (time, bytes) in pieces { try reader.read(bytes, at: time) }
    try reader.finish(&record)
    return record
  }

  private func delta(_ delta: JSONValue, finish: JSONValue = nil) -> [UInt8] {
    Script.event(["choices": [["delta": delta, "finish_reason": finish]]])
  }

  @Test func completionWithUsage() throws {
    let record = try read([
      (150, Script.chunk("a")), (160, Script.chunk("b")), (190, Script.chunk("")),
      (195, Script.ending(prompt: 5, completion: 4, cached: 2)),
    ])
    #expect(record.arrivals == [150, 160, 190])
    #expect(record.inputTokens == 5 && record.countsInput)
    #expect(record.outputTokens == 4 && record.countsOutput)
    #expect(record.cachedTokens == 2)
    #expect(record.timeToFirstToken == 50)
    #expect(record.latency == 90)
    #expect(record.timePerOutputToken == 40.0 / 3)
    #expect(record.gaps == [10, 30])
  }

  @Test func withoutUsagePiecesCount() throws {
    let record = try read([(150, Script.chunk("a")), (160, Script.chunk("b") + Script.ending())])
    #expect(record.outputTokens == 2 && !record.countsOutput)
    #expect(record.inputTokens == 7 && !record.countsInput)
  }

  @Test func rolesAreNoTokens() throws {
    let record = try read([
      (110, delta(["role": "assistant", "content": ""])), (120, delta(["reasoning_content": "hm"])),
      (130, delta(["content": "a"])), (140, delta([:], finish: "stop")),
      (150, Array("data: [DONE]\n\n".utf8)),
    ])
    #expect(record.arrivals == [120, 130])
  }

  /// Tokens without text leave no chunk but the last.
  @Test func tokensWithoutText() throws {
    let record = try read([(170, Script.ending(prompt: 3, completion: 2))])
    #expect(record.arrivals == [170])
    #expect(record.outputTokens == 2)
  }

  @Test func whatIsNoAnswer() {
    #expect(throws: LoadFailure.cutShort) { try read([(150, Script.chunk("a"))]) }
    #expect(throws: LoadFailure.noTokens) { try read([(150, Array("data: [DONE]\n\n".utf8))]) }
    #expect(throws: LoadFailure.event("no room")) {
      try read([(150, Script.event(["error": ["message": "no room", "code": 500]]))])
    }
    #expect(throws: LoadFailure.self) { try read([(150, Array("data: {\"choices\": [\n\n".utf8))]) }
  }

  @Test func messagesOfFailures() {
    #expect(
      LoadFailure.message(in: Array(#"{"error":{"message":"too\nlong","code":400}}"#.utf8))
        == "too long")
    #expect(LoadFailure.message(in: Array(#"{"error":"full"}"#.utf8)) == "full")
    #expect(LoadFailure.message(in: Array("<html>".utf8)) == "<html>")
  }
}
