import ApusCore

/// Turns text into token ids and back.
///
/// A value is immutable and cheap to copy; all methods may be called from any thread.
public struct Tokenizer: Sendable {
  let parts: TokenizerParts

  init(parts: TokenizerParts) { self.parts = parts }

  /// Encodes a text; every text has an encoding, and the work is linear (n log n inside one long word).
  ///
  /// - Parameters:
  ///   - addSpecialTokens: whether the model's beginning and end tokens are put around the text.
  ///   - parseSpecialTokens: whether control tokens written out in the text become their ids.
  public func encode(
    _ text: String, addSpecialTokens: Bool = true, parseSpecialTokens: Bool = true
  ) -> [TokenID] {
    parts.encode(Array(text.utf8), addSpecialTokens: addSpecialTokens, parse: parseSpecialTokens)
  }

  /// Decodes ids to text; ids outside the vocabulary add nothing, invalid UTF-8 becomes U+FFFD.
  public func decode(_ ids: [TokenID], skipSpecialTokens: Bool = false) -> String {
    var detokenizer = StreamingDetokenizer(self, skipSpecialTokens: skipSpecialTokens)
    var text = ""
    for id in ids { text += detokenizer.append(id) }
    return text + detokenizer.finish()
  }

  /// The bytes this id adds in the middle of a text; empty for ids outside the vocabulary.
  public func bytes(of id: TokenID) -> [UInt8] { parts.decoder.bytes(of: id) }

  /// The vocabulary entry as written in the tokenizer's file.
  public func piece(_ id: TokenID) -> String? { parts.vocabulary.piece(id) }

  /// The id of a vocabulary entry as written in the tokenizer's file.
  public func id(of piece: String) -> TokenID? { parts.vocabulary.id(of: Array(piece.utf8)) }

  /// Whether the id is a control token, which `skipSpecialTokens` leaves out of the text.
  public func isSpecial(_ id: TokenID) -> Bool { parts.decoder.isSpecial(id) }

  /// One more than the largest id.
  public var vocabularySize: Int { parts.vocabulary.count }

  /// The token that begins a sequence, where the model has one.
  public var bosToken: TokenID? { parts.special.bos }

  /// The token that ends a sequence, where the model has one.
  public var eosToken: TokenID? { parts.special.eos }

  /// The token that fills up a batch, where the model has one.
  public var paddingToken: TokenID? { parts.special.padding }

  /// The token for text that the vocabulary cannot spell, where the model has one.
  public var unknownToken: TokenID? { parts.special.unknown }

  /// The ids after which a model has finished its turn.
  public var endOfGeneration: Set<TokenID> { parts.special.endOfGeneration }

  /// Whether `encode` puts the beginning-of-sequence token first.
  public var addsBOS: Bool { parts.special.bos != nil && parts.prefix.first == parts.special.bos }

  /// Whether `encode` puts the end-of-sequence token last.
  public var addsEOS: Bool { parts.special.eos != nil && parts.suffix.last == parts.special.eos }

  /// The first `limit` tokens of an encoded text; the tokens that `encode` puts behind a text stay.
  public func truncate(_ ids: [TokenID], to limit: Int) -> [TokenID] {
    guard ids.count > limit else { return ids }
    let suffix = parts.suffix
    guard ids.suffix(suffix.count).elementsEqual(suffix), suffix.count < limit else {
      return Array(ids.prefix(limit))
    }
    return ids.prefix(limit - suffix.count) + suffix
  }

  /// The chat template that came with the tokenizer.
  public var chatTemplate: String? { parts.chatTemplate }

  /// One line for people: model, pre-tokenizer, sizes.
  public var summary: String { parts.summary }
}
