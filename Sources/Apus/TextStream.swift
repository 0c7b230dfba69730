/// What comes of a request: its events, in order, up to `.finished` or an error.
///
/// It is read once; ``text`` and ``answer()`` read it, too. Dropping it cancels the request.
public struct TextStream: AsyncSequence, Sendable {
  public typealias Element = TextEvent
  public typealias Failure = any Error

  private let events: AsyncThrowingStream<TextEvent, any Error>

  /// `build` gets the stream's other end.
  package init(_ build: (AsyncThrowingStream<TextEvent, any Error>.Continuation) -> Void) {
    events = AsyncThrowingStream(TextEvent.self, build)
  }

  public func makeAsyncIterator() -> AsyncThrowingStream<TextEvent, any Error>.Iterator {
    events.makeAsyncIterator()
  }

  /// The text alone, as it comes; throws what the request ends with.
  public var text: some AsyncSequence<String, any Error> & Sendable {
    events.compactMap { event in
      guard case .delta(let text, _) = event, !text.isEmpty else { return nil }
      return text
    }
  }
}
