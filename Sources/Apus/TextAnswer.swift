import ApusDecoding
import ApusEngine

/// A whole answer.
public struct TextAnswer: Sendable {
  public let text: String
  /// Its tokens, special ones and the one that ended it included.
  public let tokens: [GeneratedToken]
  /// Of the prompt's tokens, where the request asked for them.
  public let promptLogprobs: [TokenLogprobs]
  /// Why it ended, where its time went, and which approximate methods took part.
  public let finish: TextFinish
}

extension TextStream {
  /// Waits for the whole answer.
  ///
  /// Throws what the request ends with, and `CancellationError` where the task that waits is cancelled.
  public func answer() async throws -> TextAnswer {
    var text = ""
    var tokens: [GeneratedToken] = []
    var promptLogprobs: [TokenLogprobs] = []
    for try await event in self {
      switch event {
      case .progress: break
      case .promptLogprobs(let logprobs): promptLogprobs = logprobs
      case .delta(let more, let since):
        text += more
        tokens += since
      case .finished(let finish):
        return TextAnswer(
          text: text, tokens: tokens, promptLogprobs: promptLogprobs, finish: finish)
      }
    }
    throw CancellationError()
  }
}
