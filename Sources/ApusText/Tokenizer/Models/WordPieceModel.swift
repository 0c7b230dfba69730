import ApusCore

/// BERT's WordPiece: the longest piece at each place of a word, or one unknown token for the whole word.
struct WordPieceModel: TokenModel {
  let name = "WordPiece"
  private let vocabulary: Vocabulary
  private let unknown: TokenID
  private let continuingPrefix: [UInt8]
  private let longestWord: Int
  private let wholeWordsOnly: Bool

  /// - Parameters:
  ///   - continuingPrefix: put before every piece but the first (`##`).
  ///   - longestWord: words of more characters become one unknown token.
  ///   - wholeWordsOnly: no pieces of words (the WordLevel model).
  init(
    vocabulary: Vocabulary, unknown: TokenID, continuingPrefix: [UInt8] = [],
    longestWord: Int = .max, wholeWordsOnly: Bool = false
  ) {
    self.vocabulary = vocabulary
    self.unknown = unknown
    self.continuingPrefix = continuingPrefix
    self.longestWord = longestWord
    self.wholeWordsOnly = wholeWordsOnly
  }

  func encode(
    _ text: [UInt8], _ range: Range<Int>, scratch: inout EncodingScratch, into ids: inout [TokenID]
  ) {
    if range.isEmpty { return }
    if wholeWordsOnly {
      ids.append(vocabulary.id(of: text, range) ?? unknown)
      return
    }
    let characters = text[range].count { $0 & 0xC0 != 0x80 }
    guard characters <= longestWord else {
      ids.append(unknown)
      return
    }
    let word = Array(text[range])
    let before = ids.count
    var start = 0
    while start < word.count {
      guard let (id, end) = longestPiece(word, from: start) else {
        ids.removeLast(ids.count - before)
        ids.append(unknown)
        return
      }
      ids.append(id)
      start = end
    }
  }

  private func longestPiece(_ word: [UInt8], from start: Int) -> (TokenID, Int)? {
    let prefix = start > 0 ? continuingPrefix : []
    var end = min(word.count, start + max(0, vocabulary.longestPiece - prefix.count))
    while end > start {
      if end == word.count || word[end] & 0xC0 != 0x80 {
        let id =
          prefix.isEmpty
          ? vocabulary.id(of: word, start..<end) : vocabulary.id(of: prefix + word[start..<end])
        if let id { return (id, end) }
      }
      end -= 1
    }
    return nil
  }
}
