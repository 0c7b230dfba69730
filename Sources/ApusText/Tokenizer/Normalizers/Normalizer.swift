/// Rewrites a text before it is split.
indirect enum Normalizer: Sendable {
  case sequence([Normalizer])
  case unicode(UnicodeNormalization.Form)
  case prepend([UInt8])
  case replaceLiteral([UInt8], with: [UInt8])
  case replacePattern(PatternAutomaton, with: [UInt8])
  case lowercase
  case strip(left: Bool, right: Bool)
  /// Removes all marks (`M`).
  case stripAccents
  case nmt
  case bert(BertNormalizer)
  case charsmap(Charsmap)
  case sentencePiece(SentencePieceNormalizer)
  /// Writes bytes as characters of GPT-2's alphabet.
  case byteLevel

  func apply(_ text: [UInt8]) -> [UInt8] {
    switch self {
    case .sequence(let steps): return steps.reduce(text) { $1.apply($0) }
    case .unicode(let form): return UnicodeNormalization.apply(form, text)
    case .prepend(let prefix): return text.isEmpty ? text : prefix + text
    case .replaceLiteral(let literal, let content):
      return ByteSearch.replace(literal, with: content, in: text)
    case .replacePattern(let pattern, let content):
      var output: [UInt8] = []
      var done = 0
      pattern.forEachMatch(text, 0..<text.count) { start, end in
        output += text[done..<start]
        output += content
        done = end
      }
      return output + text[done...]
    case .lowercase: return Self.lowercase(text)
    case .strip(let left, let right): return Self.strip(text, left: left, right: right)
    case .stripAccents: return Self.filter(text) { !ScalarProperties.marks.contains($0) }
    case .nmt: return Self.nmt(text)
    case .bert(let normalizer): return normalizer.apply(text)
    case .charsmap(let charsmap): return charsmap.applyByGraphemes(text)
    case .sentencePiece(let normalizer): return normalizer.apply(text)
    case .byteLevel:
      var output: [UInt8] = []
      ByteAlphabet.encode(text, 0..<text.count, into: &output)
      return output
    }
  }

  static func lowercase(_ text: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
      let (value, length) = UTF8Scan.scalar(text, position, text.count)
      if value < 0x80 {
        output.append((0x41...0x5A).contains(value) ? UInt8(value + 32) : UInt8(value))
      } else if let scalar = Unicode.Scalar(value), scalar.properties.changesWhenLowercased {
        output += scalar.properties.lowercaseMapping.utf8
      } else {
        output += text[position..<position + length]
      }
      position += length
    }
    return output
  }

  static func filter(_ text: [UInt8], _ keep: (UInt32) -> Bool) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
      let (value, length) = UTF8Scan.scalar(text, position, text.count)
      if keep(value) { output += text[position..<position + length] }
      position += length
    }
    return output
  }

  private static func strip(_ text: [UInt8], left: Bool, right: Bool) -> [UInt8] {
    var start = 0
    var lastKept = 0
    var position = 0
    var sawText = false
    while position < text.count {
      let (value, length) = UTF8Scan.scalar(text, position, text.count)
      position += length
      if ScalarProperties.whitespace.contains(value) {
        if !sawText { start = position }
      } else {
        sawText = true
        lastKept = position
      }
    }
    let begin = left ? start : 0
    let end = right ? max(lastKept, begin) : text.count
    return Array(text[begin..<end])
  }

  private static func nmt(_ text: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    for value in UTF8Scan.scalars(text) {
      switch value {
      case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: continue
      case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
        output.append(0x20)
      default: UTF8Scan.append(value, to: &output)
      }
    }
    return output
  }
}
