import ApusCore

/// Byte-pair encoding with an ordered list of merges (Sennrich et al. 2016), over bytes or characters.
struct MergeModel: TokenModel {
  struct Options: Sendable {
    /// Pieces are bytes in GPT-2's alphabet; the text arrives as raw bytes.
    var byteLevel = false
    /// A pre-token that is a piece as a whole is not split first.
    var ignoreMerges = false
    /// A character without a piece becomes `<0x..>` pieces.
    var byteFallback = false
    var fuseUnknown = false
    var unknown: TokenID?
    var continuingPrefix: [UInt8] = []
    var endOfWordSuffix: [UInt8] = []
  }

  let name: String
  private let options: Options
  private let vocabulary: Vocabulary
  private let merges: PairTable?
  private let byteTokens: [TokenID]
  private let cuts: CutPoints?

  /// - Parameters:
  ///   - vocabulary: pieces as the text will spell them: raw bytes where `byteLevel` is set.
  ///   - merges: nil where any two symbols merge whose concatenation is a piece, smallest id first (tiktoken).
  init(vocabulary: Vocabulary, merges: PairTable?, options: Options) {
    self.vocabulary = vocabulary
    self.merges = merges
    self.options = options
    name = options.byteLevel ? "byte-level BPE" : "BPE"
    if options.byteLevel {
      byteTokens = (0..<256).map { vocabulary.id(of: [UInt8($0)]) ?? -1 }
      cuts = nil
    } else {
      byteTokens = options.byteFallback ? vocabulary.byteFallbackTokens() : []
      let plain = options.continuingPrefix.isEmpty && options.endOfWordSuffix.isEmpty
      cuts = plain && !options.ignoreMerges ? CutPoints(vocabulary) : nil
    }
  }

  func encode(
    _ text: [UInt8], _ range: Range<Int>, scratch: inout EncodingScratch, into ids: inout [TokenID]
  ) {
    if options.ignoreMerges, let id = vocabulary.id(of: text, range) {
      ids.append(id)
      return
    }
    scratch.merging.removeAll()
    if options.byteLevel {
      encodeBytes(text, range, &scratch.merging, &ids)
    } else {
      encodeCharacters(text, range, &scratch.merging, &ids)
    }
  }

  private func encodeBytes(
    _ text: [UInt8], _ range: Range<Int>, _ list: inout MergeList, _ ids: inout [TokenID]
  ) {
    if range.count == 1 {
      let id = byteTokens[Int(text[range.lowerBound])]
      if id >= 0 { ids.append(id) } else if let unknown = options.unknown { ids.append(unknown) }
      return
    }
    var lastWasUnknown = false
    for position in range {
      let id = byteTokens[Int(text[position])]
      if id >= 0 {
        list.append(id, position, position + 1)
        lastWasUnknown = false
      } else if let unknown = options.unknown {
        if !(lastWasUnknown && options.fuseUnknown) {
          list.append(unknown, position, position + 1)
        }
        lastWasUnknown = true
      }
    }
    flush(&list, text, &ids)
  }

  private func encodeCharacters(
    _ text: [UInt8], _ range: Range<Int>, _ list: inout MergeList, _ ids: inout [TokenID]
  ) {
    var position = range.lowerBound
    var pendingUnknown = 0
    var previous: UInt32 = .max
    while position < range.upperBound {
      let (scalar, length) = UTF8Scan.scalar(text, position, range.upperBound)
      let end = position + length
      if let cuts, previous != .max, cuts.mayCut(between: previous, and: scalar) {
        flush(&list, text, &ids)
      }
      previous = scalar
      if let id = symbol(text, position..<end, in: range) {
        flushUnknown(&pendingUnknown, position, &list)
        list.append(id, position, end)
      } else if byteTokens.count == 256 {
        for byte in position..<end { list.append(byteTokens[Int(text[byte])], byte, byte + 1) }
      } else if options.unknown != nil {
        if pendingUnknown > 0, !options.fuseUnknown {
          flushUnknown(&pendingUnknown, position, &list)
        }
        pendingUnknown += 1
      }
      position = end
    }
    flushUnknown(&pendingUnknown, range.upperBound, &list)
    flush(&list, text, &ids)
  }

  private func symbol(_ text: [UInt8], _ character: Range<Int>, in word: Range<Int>) -> TokenID? {
    let isFirst = character.lowerBound == word.lowerBound
    let isLast = character.upperBound == word.upperBound
    if options.continuingPrefix.isEmpty || isFirst, options.endOfWordSuffix.isEmpty || !isLast {
      return vocabulary.id(of: text, character)
    }
    var piece = isFirst ? [] : options.continuingPrefix
    piece += text[character]
    if isLast { piece += options.endOfWordSuffix }
    return vocabulary.id(of: piece)
  }

  private func flushUnknown(_ pending: inout Int, _ position: Int, _ list: inout MergeList) {
    guard pending > 0, let unknown = options.unknown else { return }
    list.append(unknown, position, position)
    pending = 0
  }

  private func flush(_ list: inout MergeList, _ text: [UInt8], _ ids: inout [TokenID]) {
    if let merges {
      list.merge(TableRanking(table: merges), text: text)
    } else {
      list.merge(PieceRanking(vocabulary: vocabulary), text: text)
    }
    for symbol in list.symbols { ids.append(symbol.id) }
    list.removeAll()
  }
}

private struct TableRanking: PairRanking {
  let table: PairTable

  @inline(__always)
  func rank(_ left: MergeList.Symbol, _ right: MergeList.Symbol, text: [UInt8]) -> UInt64 {
    table.find(left.id, right.id)
  }
}

private struct PieceRanking: PairRanking {
  let vocabulary: Vocabulary

  @inline(__always)
  func rank(_ left: MergeList.Symbol, _ right: MergeList.Symbol, text: [UInt8]) -> UInt64 {
    guard let id = vocabulary.id(of: text, left.start..<right.end) else {
      return UInt64.max
    }
    return UInt64(UInt32(id)) << 32 | UInt64(UInt32(id))
  }
}

extension Vocabulary {
  /// The ids of `<0x00>` to `<0xFF>`; empty unless all are there.
  func byteFallbackTokens() -> [TokenID] {
    var tokens: [TokenID] = []
    for byte in 0..<256 {
      guard let id = id(of: Self.byteFallbackPiece(UInt8(byte))) else { return [] }
      tokens.append(id)
    }
    return tokens
  }

  static func byteFallbackPiece(_ byte: UInt8) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)], UInt8(ascii: ">")]
  }

  /// The byte that a piece of the form `<0x..>` stands for.
  static func byteFallback(_ piece: ArraySlice<UInt8>) -> UInt8? {
    guard piece.count == 6, piece.starts(with: Array("<0x".utf8)), piece.last == UInt8(ascii: ">")
    else { return nil }
    let digits = piece.dropFirst(3).prefix(2)
    guard digits.allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }) else { return nil }
    return UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}
