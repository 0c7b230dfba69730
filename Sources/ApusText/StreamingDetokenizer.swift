import ApusCore

/// Turns ids into text as they come, never emitting half a character.
///
/// The concatenation of all that `append` and `finish` return is what `Tokenizer.decode` gives for all ids.
public struct StreamingDetokenizer: Sendable {
  private let decoder: TokenDecoder
  private let skipSpecialTokens: Bool
  private let kept: Set<TokenID>
  /// Bytes of a character whose rest has not come yet.
  private var pending: [UInt8] = []
  /// An id whose form depends on whether another one follows.
  private var held: TokenID?
  private var isFirst = true
  private var toStrip: Int

  /// A detokenizer at the beginning of a text; `kept` are special tokens that are never skipped.
  public init(
    _ tokenizer: Tokenizer, skipSpecialTokens: Bool = true, keeping kept: Set<TokenID> = []
  ) {
    decoder = tokenizer.parts.decoder
    self.kept = kept
    self.skipSpecialTokens = skipSpecialTokens
    toStrip = decoder.stripped.count
  }

  /// The text that is certain once this id is known; often empty, never a part of a character.
  public mutating func append(_ id: TokenID) -> String {
    if skipSpecialTokens, decoder.isSpecial(id), !kept.contains(id) { return "" }
    if decoder.last != nil {
      if let previous = held { add(previous, from: decoder.middle) }
      held = id
    } else {
      add(id, from: isFirst ? decoder.first ?? decoder.middle : decoder.middle)
      isFirst = false
    }
    return take(complete: false)
  }

  /// The text that was held back; an incomplete character becomes U+FFFD.
  public mutating func finish() -> String {
    if let id = held, let last = decoder.last { add(id, from: last) }
    held = nil
    return take(complete: true)
  }

  private mutating func add(_ id: TokenID, from table: TokenDecoder.Table) {
    if toStrip > 0, decoder.unstripped.contains(id) { toStrip = 0 }
    pending += table[id]
  }

  private mutating func take(complete: Bool) -> String {
    strip()
    let count = complete ? pending.count : Self.decidedPrefix(pending)
    if count == 0 { return "" }
    let text = String(decoding: pending[..<count], as: UTF8.self)
    pending.removeFirst(count)
    return text
  }

  private mutating func strip() {
    let content = decoder.stripped.content
    while toStrip > 0, pending.count >= content.count {
      guard pending.starts(with: content) else {
        toStrip = 0
        return
      }
      pending.removeFirst(content.count)
      toStrip -= 1
    }
  }

  /// The number of bytes before a trailing sequence that more bytes could still complete.
  static func decidedPrefix(_ bytes: [UInt8]) -> Int {
    for length in 1...3 where length <= bytes.count {
      let lead = bytes[bytes.count - length]
      if lead & 0xC0 == 0x80 { continue }
      return isBeginning(bytes[(bytes.count - length)...]) ? bytes.count - length : bytes.count
    }
    return bytes.count
  }

  /// Whether a lead byte and what follows are a proper beginning of a character.
  private static func isBeginning(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard let lead = bytes.first, lead >= 0xC2, lead <= 0xF4 else { return false }
    guard bytes.count < UTF8Scan.length(lead) else { return false }
    guard let second = bytes.dropFirst().first else { return true }
    switch lead {
    case 0xE0: return second >= 0xA0
    case 0xED: return second < 0xA0
    case 0xF0: return second >= 0x90
    case 0xF4: return second < 0x90
    default: return true
    }
  }
}
