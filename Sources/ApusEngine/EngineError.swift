import ApusCore
import ApusKV

/// Why the engine refuses a model or a request.
public enum EngineError: Error, Equatable, CustomStringConvertible {
  case emptyPrompt
  case promptTooLong(tokens: Int, contextLength: Int)
  case invalidToken(TokenID, vocabularySize: Int)
  case invalidContextLength(Int)
  case modelTooLarge(needed: Int, available: Int)
  case contextTooLarge(tokens: Int, needed: Int, available: Int)
  case headTooLarge(Int, limit: Int)
  case kvPolicy(KVPolicyError)
  case noDraft(String)
  case overloaded(waiting: Int)
  case deadlineExceeded(Duration)
  case shuttingDown

  public var description: String {
    switch self {
    case .emptyPrompt: "the prompt is empty"
    case .promptTooLong(let tokens, let contextLength):
      "the prompt has \(tokens) tokens, the context holds \(contextLength)"
    case .invalidToken(let token, let size):
      "token \(token) is outside of the vocabulary of \(size)"
    case .invalidContextLength(let length): "a context of \(length) tokens makes no sense"
    case .modelTooLarge(let needed, let available):
      "the model needs \(ByteCount(needed)) of memory, \(ByteCount(available)) are available"
    case .contextTooLarge(let tokens, let needed, let available):
      "a context of \(tokens) tokens needs \(ByteCount(needed)) of KV memory, \(ByteCount(available)) are available; lower --ctx-size or raise --kv-memory"
    case .headTooLarge(let dimension, let limit):
      "the model's heads have \(dimension) numbers; at most \(limit) are supported"
    case .kvPolicy(let error): "\(error)"
    case .noDraft(let name):
      "the KV policy needs the draft model \(name), which was not loaded at the start"
    case .overloaded(let waiting): "\(waiting) requests are waiting already; try again later"
    case .deadlineExceeded(let deadline): "the request was not done within its \(deadline)"
    case .shuttingDown: "the engine is shutting down"
    }
  }
}
