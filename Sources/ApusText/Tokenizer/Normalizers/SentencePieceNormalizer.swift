/// The normaliser inside the SentencePiece library: character map, white space, `▁`.
struct SentencePieceNormalizer: Sendable {
  static let space = Array("▁".utf8)

  var charsmap: Charsmap?
  /// Pieces that are taken over as they stand.
  var userDefined = ByteTrie()
  var addsPrefix = true
  var removesExtraSpaces = true
  var escapesSpaces = true
  /// The space that belongs to a word stands behind it.
  var spaceIsSuffix = false

  func apply(_ text: [UInt8]) -> [UInt8] {
    let space = escapesSpaces ? Self.space : [0x20]
    var output: [UInt8] = []
    output.reserveCapacity(text.count + text.count / 2)
    var position = 0
    if removesExtraSpaces {
      while position < text.count {
        let (piece, length) = next(text, position)
        guard piece.elementsEqual(CollectionOfOne(0x20)) else { break }
        position += length
      }
    }
    if position == text.count { return [] }
    if addsPrefix, !spaceIsSuffix { output += space }
    var lastWasSpace = removesExtraSpaces
    while position < text.count {
      let (piece, length) = next(text, position)
      position += length
      var bytes = piece
      while lastWasSpace, bytes.first == 0x20 { bytes = bytes.dropFirst() }
      if bytes.isEmpty { continue }
      for byte in bytes {
        if byte == 0x20 { output += space } else { output.append(byte) }
      }
      lastWasSpace = removesExtraSpaces && bytes.last == 0x20
    }
    if removesExtraSpaces {
      while output.count >= space.count, output.suffix(space.count).elementsEqual(space) {
        output.removeLast(space.count)
      }
    }
    if addsPrefix, spaceIsSuffix { output += space }
    return output
  }

  /// What the text at a position becomes, and how many bytes that takes up.
  private func next(_ text: [UInt8], _ position: Int) -> (ArraySlice<UInt8>, Int) {
    if let match = userDefined.longestMatch(text, position, text.count) {
      return (text[position..<position + match.length], match.length)
    }
    if let charsmap,
      let (range, length) = charsmap.match(text, position, text.count, shortest: false)
    {
      return (charsmap.replacement(range), length)
    }
    let length = UTF8Scan.length(text[position])
    return (text[position..<min(position + length, text.count)], length)
  }
}
