/// BERT's normalisation: cleaning, spaces around Chinese characters, accents off, lower case.
struct BertNormalizer: Sendable {
  var cleansText = true
  var spacesChinese = true
  var stripsAccents = true
  var lowercases = true

  func apply(_ text: [UInt8]) -> [UInt8] {
    var result = text
    if cleansText || spacesChinese { result = prepare(result) }
    if stripsAccents {
      result = UnicodeNormalization.apply(.nfd, result)
      if !result.allSatisfy({ $0 < 0x80 }) {
        result = Normalizer.filter(result) { !ScalarProperties.bertNonspacing.contains($0) }
      }
    }
    return lowercases ? Normalizer.lowercase(result) : result
  }

  private func prepare(_ text: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
      let (value, length) = UTF8Scan.scalar(text, position, text.count)
      position += length
      if cleansText {
        if Self.isRemoved(value) { continue }
        if ScalarProperties.whitespace.contains(value) {
          output.append(0x20)
          continue
        }
      }
      if spacesChinese, Self.isChinese(value) {
        output.append(0x20)
        UTF8Scan.append(value, to: &output)
        output.append(0x20)
      } else {
        UTF8Scan.append(value, to: &output)
      }
    }
    return output
  }

  private static func isRemoved(_ value: UInt32) -> Bool {
    if value == 0x09 || value == 0x0A || value == 0x0D { return false }
    if value < 0x7F { return value < 0x20 }
    return value == 0xFFFD || ScalarProperties.bertControl.contains(value)
  }

  /// The ranges of the reference implementation, which leave out 2B820–2B91F.
  static func isChinese(_ value: UInt32) -> Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
      0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
