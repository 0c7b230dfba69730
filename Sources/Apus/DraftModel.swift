import ApusCore
import ApusEngine
import ApusModels
import ApusText

/// A small model with the vocabulary of a larger one, which goes on with a prompt before the larger one has read it.
final class DraftModel: Sendable {
  private let engine: Engine
  private let stopTokens: Set<TokenID>

  /// Throws `LanguageModelError.foreignDraft` when tokens mean something else to it.
  init(
    _ reference: ModelReference, for checkpoint: Checkpoint, _ configuration: EngineConfiguration
  ) throws {
    let draft = try Checkpoint.open(LanguageModel.localPath(reference))
    let (own, others) = (try TextFiles(draft).tokenizer, try TextFiles(checkpoint).tokenizer)
    guard own.vocabularySize == others.vocabularySize,
      stride(from: 0, to: own.vocabularySize, by: 97).allSatisfy({
        own.piece(TokenID($0)) == others.piece(TokenID($0))
      })
    else { throw LanguageModelError.foreignDraft("\(reference)") }
    stopTokens = own.eosToken.map { [$0] } ?? []
    var configuration = configuration
    configuration.kvMethods = .none
    configuration.draft = nil
    engine = try Engine(draft, configuration: configuration)
  }

  /// Goes on with a prompt, of which it sees as much of the end as it holds.
  var answer: DraftAnswer {
    { [self] prompt, count in
      var request = GenerationRequest(prompt: Array(prompt.suffix(engine.contextLength - count)))
      request.maxTokens = count
      request.stopTokens = stopTokens
      request.sampling.temperature = 0
      var tokens: [TokenID] = []
      for try await event in engine.generate(request) {
        if case .token(let token) = event { tokens.append(token.id) }
      }
      return tokens
    }
  }
}

extension Tokenizer {
  /// Whether a token ends a sentence: its last mark does, or it begins a line.
  func endsSentence(_ token: TokenID) -> Bool {
    let text = decode([token])
    guard let last = text.last(where: { !$0.isWhitespace }) else { return text.contains("\n") }
    return ".!?。！？".contains(last) || text.contains("\n")
  }
}
