import Apus
import Testing

@Suite(.serialized) struct TextStreamTests {
  private static func finish(_ reason: FinishReason) -> TextEvent {
    .finished(TextFinish(reason: reason, stopString: nil, timings: GenerationTimings()))
  }

  @Test func answerIsAllOfTheText() async throws {
    let stream = TextStream { continuation in
      for text in ["The ", "", "sea"] { continuation.yield(.delta(text: text, tokens: [])) }
      continuation.yield(Self.finish(.stop))
      continuation.finish()
    }
    let answer = try await stream.answer()
    #expect(answer.text == "The sea")
    #expect(answer.finish.reason == .stop)
  }

  @Test func textLeavesOutWhatIsEmpty() async throws {
    let stream = TextStream { continuation in
      for text in ["The ", "", "sea"] { continuation.yield(.delta(text: text, tokens: [])) }
      continuation.yield(Self.finish(.length))
      continuation.finish()
    }
    var pieces: [String] = []
    for try await text in stream.text { pieces.append(text) }
    #expect(pieces == ["The ", "sea"])
  }

  @Test func errorsComeThrough() async throws {
    func failing() -> TextStream {
      TextStream { $0.finish(throwing: EngineError.shuttingDown) }
    }
    await #expect(throws: EngineError.shuttingDown) { try await failing().answer() }
    await #expect(throws: EngineError.shuttingDown) {
      for try await _ in failing().text {}
    }
  }

  @Test func anAnswerWithoutEndIsNone() async throws {
    let stream = TextStream { continuation in
      continuation.yield(.delta(text: "The", tokens: []))
      continuation.finish()
    }
    await #expect(throws: CancellationError.self) { try await stream.answer() }
  }
}
