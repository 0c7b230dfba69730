import ApusCore

/// SentencePiece's BPE (Kudo and Richardson 2018): adjacent symbols merge when their concatenation is a piece, best
/// score first.
struct ScoreMergeModel: TokenModel {
  /// Stands for a character that is no piece itself; what it may become is decided by its bytes.
  private static let unknownSymbol = TokenID.max

  let name = "SentencePiece BPE"
  private let vocabulary: Vocabulary
  private let ranking: ScoreRanking
  private let byteTokens: [TokenID]
  private let unknown: TokenID?
  private let fuseUnknown: Bool
  private let unused: Set<TokenID>
  private let userDefined: ByteTrie
  private let cuts: CutPoints

  /// - Parameters:
  ///   - mergeable: pieces that merges may make; the others (control, byte) are never looked up.
  ///   - unused: pieces that are split again after merging.
  ///   - userDefined: pieces that are taken wherever the text has them, and merge with nothing.
  init(
    vocabulary: Vocabulary, scores: [Float], mergeable: [Bool]?, byteTokens: [TokenID],
    unknown: TokenID?, fuseUnknown: Bool, unused: Set<TokenID> = [],
    userDefined: ByteTrie = ByteTrie()
  ) throws {
    guard scores.count >= vocabulary.count else {
      throw TokenizerError.malformed(
        field: "scores", problem: "has fewer entries than the vocabulary")
    }
    guard scores.allSatisfy({ !$0.isNaN }) else {
      throw TokenizerError.malformed(field: "scores", problem: "holds a value that is not a number")
    }
    self.vocabulary = vocabulary
    self.byteTokens = byteTokens
    self.unknown = unknown
    self.fuseUnknown = fuseUnknown
    self.unused = unused
    self.userDefined = userDefined
    cuts = CutPoints(vocabulary)
    var ranks = scores.map(Self.rank)
    if let mergeable {
      for id in ranks.indices where id < mergeable.count && !mergeable[id] { ranks[id] = .max }
    }
    ranking = ScoreRanking(vocabulary: vocabulary, ranks: ranks)
  }

  /// Maps scores to integers of the opposite order.
  private static func rank(_ score: Float) -> UInt32 {
    let bits = (score == 0 ? 0 : score).bitPattern
    let ascending = bits & 0x8000_0000 != 0 ? ~bits : bits | 0x8000_0000
    return min(~ascending, .max - 1)
  }

  func encode(
    _ text: [UInt8], _ range: Range<Int>, scratch: inout EncodingScratch, into ids: inout [TokenID]
  ) {
    scratch.merging.removeAll()
    var position = range.lowerBound
    var previous: UInt32 = .max
    var lastWasUnknown = false
    while position < range.upperBound {
      if let match = userDefined.longestMatch(text, position, range.upperBound) {
        flush(&scratch.merging, text, &lastWasUnknown, &ids)
        ids.append(match.value)
        lastWasUnknown = false
        previous = .max
        position += match.length
        continue
      }
      let (scalar, length) = UTF8Scan.scalar(text, position, range.upperBound)
      if previous != .max, cuts.mayCut(between: previous, and: scalar) {
        flush(&scratch.merging, text, &lastWasUnknown, &ids)
      }
      previous = scalar
      let character = position..<position + length
      let id = vocabulary.id(of: text, character)
      scratch.merging.append(
        id.map { ranking.ranks[Int($0)] == .max ? Self.unknownSymbol : $0 } ?? Self.unknownSymbol,
        character.lowerBound, character.upperBound)
      position += length
    }
    flush(&scratch.merging, text, &lastWasUnknown, &ids)
  }

  private func flush(
    _ list: inout MergeList, _ text: [UInt8], _ lastWasUnknown: inout Bool, _ ids: inout [TokenID]
  ) {
    list.merge(ranking, text: text)
    for symbol in list.symbols {
      let id = symbol.id
      let range = symbol.start..<symbol.end
      if id == Self.unknownSymbol {
        emitUnknown(text, range, &lastWasUnknown, &ids)
      } else {
        if unused.contains(id) { emitUnused(text, range, &ids) } else { ids.append(id) }
        lastWasUnknown = false
      }
    }
    list.removeAll()
  }

  private func emitUnknown(
    _ text: [UInt8], _ range: Range<Int>, _ lastWasUnknown: inout Bool, _ ids: inout [TokenID]
  ) {
    if byteTokens.count == 256 {
      for position in range { ids.append(byteTokens[Int(text[position])]) }
    } else if let unknown {
      if !(lastWasUnknown && fuseUnknown) { ids.append(unknown) }
      lastWasUnknown = true
    }
  }

  /// Encodes the text of an unused piece without that piece.
  private func emitUnused(_ text: [UInt8], _ range: Range<Int>, _ ids: inout [TokenID]) {
    var list = MergeList()
    var position = range.lowerBound
    while position < range.upperBound {
      let length = UTF8Scan.length(text[position])
      let end = min(position + length, range.upperBound)
      list.append(vocabulary.id(of: text, position..<end) ?? Self.unknownSymbol, position, end)
      position = end
    }
    list.merge(ranking.without(unused), text: text)
    var lastWasUnknown = false
    for symbol in list.symbols {
      if symbol.id == Self.unknownSymbol {
        emitUnknown(text, symbol.start..<symbol.end, &lastWasUnknown, &ids)
      } else {
        ids.append(symbol.id)
      }
    }
  }
}

private struct ScoreRanking: PairRanking, Sendable {
  let vocabulary: Vocabulary
  var ranks: [UInt32]

  func without(_ ids: Set<TokenID>) -> ScoreRanking {
    var copy = self
    for id in ids { copy.ranks[Int(id)] = .max }
    return copy
  }

  @inline(__always)
  func rank(_ left: MergeList.Symbol, _ right: MergeList.Symbol, text: [UInt8]) -> UInt64 {
    guard let id = vocabulary.id(of: text, left.start..<right.end) else {
      return UInt64.max
    }
    let rank = ranks[Int(id)]
    return rank == .max ? UInt64.max : UInt64(rank) << 32 | UInt64(UInt32(bitPattern: id))
  }
}
