/// SentencePiece's `precompiled_charsmap`: a double-array trie from byte strings to replacements.
struct Charsmap: Sendable {
  private let units: [UInt32]
  private let replacements: [UInt8]

  /// Throws where the trie's size does not fit the data.
  init(_ data: [UInt8]) throws {
    guard data.count >= 4 else {
      throw TokenizerError.malformed(field: "precompiled_charsmap", problem: "is too short")
    }
    let size = (0..<4).reduce(0) { $0 | Int(data[$1]) << (8 * $1) }
    guard size % 4 == 0, size > 0, size <= data.count - 4 else {
      throw TokenizerError.malformed(
        field: "precompiled_charsmap", problem: "has a trie of \(size) bytes")
    }
    units = stride(from: 4, to: 4 + size, by: 4).map { start in
      (0..<4).reduce(UInt32(0)) { $0 | UInt32(data[start + $1]) << UInt32(8 * $1) }
    }
    replacements = Array(data[(4 + size)...])
    guard String(validating: replacements, as: UTF8.self) != nil else {
      throw TokenizerError.malformed(field: "precompiled_charsmap", problem: "is not UTF-8")
    }
  }

  /// The replacement of the longest (or shortest) key at a position, and the key's length.
  func match(
    _ text: [UInt8], _ start: Int, _ end: Int, shortest: Bool
  ) -> (replacement: Range<Int>, length: Int)? {
    var node = offset(units[0])
    var best: (Int, Int)?
    var position = start
    while position < end {
      let byte = UInt32(text[position])
      node ^= byte
      guard Int(node) < units.count, byte != 0 else { break }
      let unit = units[Int(node)]
      guard unit & 0x8000_00FF == byte else { break }
      node ^= offset(unit)
      position += 1
      if unit >> 8 & 1 == 1, Int(node) < units.count {
        best = (Int(units[Int(node)] & 0x7FFF_FFFF), position - start)
        if shortest { break }
      }
    }
    guard let (index, length) = best, index < replacements.count,
      replacements[index] & 0xC0 != 0x80,
      start + length == end || text[start + length] & 0xC0 != 0x80
    else { return nil }
    let stop = replacements[index...].firstIndex(of: 0) ?? replacements.count
    return (index..<stop, length)
  }

  func replacement(_ range: Range<Int>) -> ArraySlice<UInt8> { replacements[range] }

  private func offset(_ unit: UInt32) -> UInt32 { (unit >> 10) << ((unit & 0x200) >> 6) }

  /// As the `tokenizers` package does: whole grapheme clusters of up to five bytes, else scalar by scalar, and the
  /// shortest key in each.
  func applyByGraphemes(_ text: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    var start = 0
    for cluster in String(decoding: text, as: UTF8.self) {
      let end = start + cluster.utf8.count
      if end - start < 6, let (range, _) = match(text, start, end, shortest: true) {
        output += replacements[range]
      } else {
        var position = start
        while position < end {
          let next = position + UTF8Scan.length(text[position])
          if let (range, _) = match(text, position, next, shortest: true) {
            output += replacements[range]
          } else {
            output += text[position..<next]
          }
          position = next
        }
      }
      start = end
    }
    return output
  }
}
