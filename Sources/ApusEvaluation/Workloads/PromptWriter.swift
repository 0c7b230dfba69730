import ApusCore

/// Makes the text, or the token ids, of prompts of a given length.
package struct PromptWriter: Sendable {
  package enum Material: Sendable, Equatable {
    /// Words that together are so many tokens each.
    case words([String], tokensPerWord: Double)
    /// Ids from a range.
    case ids(Range<Int>)
  }

  /// How the length of prompts came about, as results name it.
  package enum Method: String, Sendable {
    /// Words that the server's /tokenize counts.
    case tokenize
    /// Words that the server's `usage` counted in two requests.
    case usage
    /// Ids sent as they are.
    case tokenIDs = "token_ids"
    /// A word counts as a token: the server tells nothing.
    case words
    /// The dataset has texts of its own.
    case given
  }

  package var material: Material
  package var method: Method
  /// Tokens that the server adds to each prompt, as a template does.
  package var overhead: Int
  /// Prompts of different seeds have nothing in common.
  package var seed: UInt64

  package init(
    material: Material = .words(WordList.words, tokensPerWord: 1), method: Method = .words,
    overhead: Int = 0, seed: UInt64 = 0
  ) {
    self.material = material
    self.method = method
    self.overhead = overhead
    self.seed = seed
  }

  /// How lengths come about, in words.
  package var explanation: String {
    let added = overhead > 0 ? ", \(overhead) tokens that the server adds included" : ""
    switch (method, material) {
    case (.tokenize, .words(let words, 1)):
      return "\(words.count) words that /tokenize counts as one token each" + added
    case (.tokenize, .words(_, let tokensPerWord)):
      return "words of \(ServingReport.text(tokensPerWord, 3)) tokens by /tokenize" + added
    case (.usage, .words(_, let tokensPerWord)):
      return "words of \(ServingReport.text(tokensPerWord, 3)) tokens by the usage of two requests"
        + added
    case (.tokenIDs, _), (_, .ids): return "token ids" + added
    case (.given, _): return "the texts of the file"
    case (.words, _): return "words; the server does not count tokens, one word stands for one"
    }
  }

  /// The prompt: a string, an array of ids, or messages.
  package func prompt(_ plan: PromptPlan) -> JSONValue {
    switch plan {
    case .text(let text): return .string(text)
    case .tokens(let ids): return .array(ids.map { .integer(Int64($0)) })
    case .messages(let messages): return messages
    case .parts(let parts):
      let parts = withoutOverhead(parts)
      switch material {
      case .ids(let range):
        return .array(parts.flatMap { ids($0, in: range) }.map { .integer(Int64($0)) })
      case .words(let words, let tokensPerWord):
        return .string(text(parts, words, tokensPerWord))
      }
    }
  }

  /// The last part gives way to what the server adds, so that what prompts share stays the same.
  private func withoutOverhead(_ parts: [PromptPart]) -> [PromptPart] {
    guard overhead > 0, var last = parts.last else { return parts }
    last.tokens = max(1, last.tokens - overhead)
    return parts.dropLast() + [last]
  }

  private func ids(_ part: PromptPart, in range: Range<Int>) -> [Int] {
    var source = source(part)
    return (0..<part.tokens).map { _ in range.lowerBound + Self.below(range.count, &source) }
  }

  private func text(_ parts: [PromptPart], _ words: [String], _ tokensPerWord: Double) -> String {
    let words = words.map { Array((" " + $0).utf8) }
    var bytes: [UInt8] = []
    for part in parts {
      var source = source(part)
      let count = max(1, Int((Double(part.tokens) / tokensPerWord).rounded()))
      bytes.reserveCapacity(bytes.count + count * 6)
      for _ in 0..<count { bytes += words[Self.below(words.count, &source)] }
    }
    return String(decoding: bytes.dropFirst(), as: UTF8.self)
  }

  private func source(_ part: PromptPart) -> RandomSource {
    var mixed = RandomSource(seed: part.seed)
    return RandomSource(seed: mixed.next() ^ seed &* 0xD6E8_FEB8_6659_FD93)
  }

  /// A number below `count`, from the high bits: a part has the same beginning however long it is.
  private static func below(_ count: Int, _ source: inout RandomSource) -> Int {
    Int(source.next().multipliedFullWidth(by: UInt64(count)).high)
  }
}
