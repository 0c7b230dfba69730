import ApusCore

/// Everything a tokenizer is made of, immutable and shared by its copies.
final class TokenizerParts: Sendable {
  let vocabulary: Vocabulary
  let added: AddedTokens
  let normalizer: Normalizer?
  let preTokenizer: PreTokenizer
  let model: any TokenModel
  let prefix: [TokenID]
  let suffix: [TokenID]
  let decoder: TokenDecoder
  let special: SpecialTokens
  let chatTemplate: String?

  init(
    vocabulary: Vocabulary, added: AddedTokens, normalizer: Normalizer?,
    preTokenizer: PreTokenizer, model: any TokenModel, prefix: [TokenID], suffix: [TokenID],
    decoder: TokenDecoder, special: SpecialTokens, chatTemplate: String?
  ) {
    self.vocabulary = vocabulary
    self.added = added
    self.normalizer = normalizer
    self.preTokenizer = preTokenizer
    self.model = model
    self.prefix = prefix
    self.suffix = suffix
    self.decoder = decoder
    self.special = special
    self.chatTemplate = chatTemplate
  }

  var summary: String {
    "\(model.name), pre-tokenizer \(preTokenizer.name), \(vocabulary.count) tokens, "
      + "\(added.tokens.count) added"
  }

  func encode(_ text: [UInt8], addSpecialTokens: Bool, parse: Bool) -> [TokenID] {
    var ids = addSpecialTokens ? prefix : []
    var scratch = EncodingScratch()
    added.split(text, .raw, parseSpecial: parse) { piece in
      switch piece {
      case .token(let id): ids.append(id)
      case .text(let range):
        encodeText(text, range, parse: parse, scratch: &scratch, into: &ids)
      }
    }
    if addSpecialTokens { ids += suffix }
    return ids
  }

  private func encodeText(
    _ text: [UInt8], _ range: Range<Int>, parse: Bool, scratch: inout EncodingScratch,
    into ids: inout [TokenID]
  ) {
    let whole = range == 0..<text.count ? text : Array(text[range])
    let normalized = normalizer?.apply(whole) ?? whole
    added.split(normalized, .normalized, parseSpecial: parse) { piece in
      switch piece {
      case .token(let id): ids.append(id)
      case .text(let part):
        let isFirst = range.lowerBound == 0 && part.lowerBound == 0
        let words = preTokenizer.apply(normalized, part, isFirst: isFirst)
        for word in words.ranges {
          model.encode(words.text, word, scratch: &scratch, into: &ids)
        }
      }
    }
  }
}

/// The ids that a model gives a role.
struct SpecialTokens: Sendable {
  var bos: TokenID?
  var eos: TokenID?
  var padding: TokenID?
  var unknown: TokenID?
  var endOfGeneration: Set<TokenID> = []
  /// By the names of GGUF files, those for filling in that a file names.
  var fillRoles: [String: TokenID] = [:]
}
