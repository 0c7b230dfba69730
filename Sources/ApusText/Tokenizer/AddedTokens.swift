import ApusCore

/// A token that is found in the text before any other step.
struct AddedToken: Sendable {
  var id: TokenID
  var content: [UInt8]
  /// A control token: left out of text on request, and plain text where control tokens are not parsed.
  var isSpecial = false
  /// Takes the white space to its left, or right, with it.
  var stripsLeft = false
  var stripsRight = false
  /// Only where no word character stands beside it.
  var isWholeWord = false
  /// Looked for in the normalised text.
  var isNormalized = false
}

/// The added tokens of a tokenizer; the leftmost longest match counts.
struct AddedTokens: Sendable {
  enum Piece {
    case token(TokenID)
    case text(Range<Int>)
  }

  enum Stage { case raw, normalized }

  let tokens: [AddedToken]
  private var raw = ByteTrie()
  private var normalized = ByteTrie()

  init(_ tokens: [AddedToken], normalizer: Normalizer?) {
    self.tokens = tokens
    for (index, token) in tokens.enumerated() where !token.content.isEmpty {
      if token.isNormalized {
        let content = normalizer?.apply(token.content) ?? token.content
        if !content.isEmpty { normalized.insert(content, Int32(index)) }
      } else {
        raw.insert(token.content, Int32(index))
      }
    }
  }

  /// Splits a text into tokens and the text between them.
  ///
  /// The work is linear for a given tokenizer: at each place at most the longest token is compared.
  func split(
    _ text: [UInt8], _ stage: Stage, parseSpecial: Bool, _ body: (Piece) -> Void
  ) {
    let trie = stage == .raw ? raw : normalized
    var done = 0
    var position = 0
    while !trie.isEmpty, position < text.count {
      guard trie.child(ByteTrie.root, text[position]) >= 0,
        let match = trie.longestMatch(text, position, text.count)
      else {
        position += 1
        continue
      }
      let token = tokens[Int(match.value)]
      var start = position
      var end = position + match.length
      position = end
      if token.isSpecial, !parseSpecial { continue }
      if token.isWholeWord, touchesWord(text, start, end) { continue }
      if token.stripsLeft { start = max(done, Self.skipSpacesLeft(text, start, done)) }
      if token.stripsRight { end = Self.skipSpacesRight(text, end) }
      if done < start { body(.text(done..<start)) }
      body(.token(token.id))
      done = end
      position = max(position, end)
    }
    if done < text.count { body(.text(done..<text.count)) }
  }

  private func touchesWord(_ text: [UInt8], _ start: Int, _ end: Int) -> Bool {
    if start > 0 {
      var before = start - 1
      while before > 0, text[before] & 0xC0 == 0x80 { before -= 1 }
      if Self.isWord(UTF8Scan.scalar(text, before, start).value) { return true }
    }
    return end < text.count
      && Self.isWord(UTF8Scan.scalar(text, end, text.count).value)
  }

  private static func isWord(_ scalar: UInt32) -> Bool {
    ScalarProperties.rustWord.contains(scalar)
  }

  private static func skipSpacesLeft(_ text: [UInt8], _ start: Int, _ limit: Int) -> Int {
    var position = start
    while position > limit {
      var before = position - 1
      while before > 0, text[before] & 0xC0 == 0x80 { before -= 1 }
      let scalar = UTF8Scan.scalar(text, before, position).value
      guard ScalarProperties.whitespace.contains(scalar) else { break }
      position = before
    }
    return position
  }

  private static func skipSpacesRight(_ text: [UInt8], _ end: Int) -> Int {
    var position = end
    while position < text.count {
      let (scalar, length) = UTF8Scan.scalar(text, position, text.count)
      guard ScalarProperties.whitespace.contains(scalar) else { break }
      position += length
    }
    return position
  }
}
