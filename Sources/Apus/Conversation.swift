import ApusCore
import Synchronization

/// A conversation with a model: each question is asked with all turns before it.
///
/// The engine keeps what it has read, so a turn costs its own tokens only as long as pages for them remain. A question
/// that is asked while another is being answered does not see that turn.
public final class Conversation: Sendable {
  public let model: LanguageModel
  private let state: Mutex<(messages: [JSONValue], request: TextRequest)>

  /// Begins a conversation; `system` says how the model shall answer.
  public init(_ model: LanguageModel, system: String? = nil) {
    self.model = model
    let messages = system.map { [Self.message("system", $0)] } ?? []
    state = Mutex((messages, TextRequest(prompt: [])))
  }

  /// The turns so far, objects with `role` and `content`; a turn is added when its answer has ended.
  public var messages: [JSONValue] { state.withLock { $0.messages } }

  /// What each answer's request is made from, all but its prompt: limits, sampling, stop strings.
  public var request: TextRequest {
    get { state.withLock { $0.request } }
    set { state.withLock { $0.request = newValue } }
  }

  /// Asks a question.
  ///
  /// The stream throws `ChatTemplateError` where the model's template refuses the turns, else what
  /// ``LanguageModel/generate(_:)`` says. Of an answer that is cut short, the part that was written becomes the turn;
  /// of a question without any answer nothing remains.
  public func ask(_ question: String) -> TextStream {
    let user = Self.message("user", question)
    let turn = Turn { [self] answer in
      state.withLock { $0.messages += [user, Self.message("assistant", answer)] }
    }
    return TextStream { continuation in
      let task = Task { [self] in
        do {
          var (messages, request) = state.withLock { $0 }
          messages.append(user)
          request.generation.prompt = model.tokens(
            ofRenderedPrompt: try model.prompt(messages: messages))
          for try await event in model.generate(request) {
            switch event {
            case .delta(let text, _): turn.append(text)
            case .finished: turn.end()
            case .progress, .promptLogprobs: break
            }
            continuation.yield(event)
          }
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
      continuation.onTermination = { _ in
        task.cancel()
        turn.cut()
      }
    }
  }

  private static func message(_ role: String, _ content: String) -> JSONValue {
    ["role": .string(role), "content": .string(content)]
  }
}

/// The answer of one turn while it is written; it is kept once.
private final class Turn: Sendable {
  /// nil once it is kept.
  private let text = Mutex<String?>("")
  private let keep: @Sendable (String) -> Void

  init(_ keep: @escaping @Sendable (String) -> Void) { self.keep = keep }

  func append(_ more: String) { text.withLock { $0?.append(more) } }

  func end() { if let text = take() { keep(text) } }

  /// Keeps what there is, if anything.
  func cut() { if let text = take(), !text.isEmpty { keep(text) } }

  private func take() -> String? {
    text.withLock { text in
      defer { text = nil }
      return text
    }
  }
}
