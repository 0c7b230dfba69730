import ApusCore

/// SentencePiece's unigram model (Kudo 2018): the segmentation with the highest sum of scores, by Viterbi.
struct UnigramModel: TokenModel {
  struct Step {
    var score: Double
    var start: Int
    var id: TokenID
  }

  /// How far below the worst piece an unknown character scores.
  private static let unknownPenalty = 10.0

  let name = "unigram"
  private let trie: ByteTrie
  private let scores: [Double]
  private let unknown: TokenID
  private let unknownScore: Double
  private let byteTokens: [TokenID]
  private let fuseUnknown: Bool
  private let singlePrecision: Bool

  /// - Parameters:
  ///   - searchable: pieces that the search may use; the others are reached only as special tokens.
  ///   - singlePrecision: add scores as 32-bit floats, as the SentencePiece library does.
  init(
    vocabulary: Vocabulary, scores: [Double], searchable: (TokenID) -> Bool, worst: Double,
    unknown: TokenID?, byteTokens: [TokenID], fuseUnknown: Bool, singlePrecision: Bool
  ) throws {
    guard scores.count >= vocabulary.count else {
      throw TokenizerError.malformed(
        field: "scores", problem: "has fewer entries than the vocabulary")
    }
    guard scores.allSatisfy({ !$0.isNaN }) else {
      throw TokenizerError.malformed(field: "scores", problem: "holds a value that is not a number")
    }
    guard let unknown, unknown >= 0, Int(unknown) < vocabulary.count else {
      throw TokenizerError.missing("unk_id")
    }
    var trie = ByteTrie()
    for id in 0..<Int32(vocabulary.count) where searchable(id) {
      if let piece = vocabulary.bytes(id), !piece.isEmpty, vocabulary.id(of: Array(piece)) == id {
        trie.insert(piece, id)
      }
    }
    self.trie = trie
    self.scores = scores
    self.unknown = unknown
    self.byteTokens = byteTokens
    self.fuseUnknown = fuseUnknown
    self.singlePrecision = singlePrecision
    unknownScore = worst - Self.unknownPenalty
  }

  func encode(
    _ text: [UInt8], _ range: Range<Int>, scratch: inout EncodingScratch, into ids: inout [TokenID]
  ) {
    let base = range.lowerBound
    let count = range.count
    if count == 0 { return }
    search(text, range, &scratch.best)
    scratch.backwards.removeAll(keepingCapacity: true)
    var end = count
    while end > 0 {
      let step = scratch.best[end]
      if step.id != unknown {
        scratch.backwards.append(step.id)
      } else if byteTokens.count == 256 {
        for position in (step.start..<end).reversed() {
          scratch.backwards.append(byteTokens[Int(text[base + position])])
        }
      } else if !(fuseUnknown && scratch.backwards.last == unknown) {
        scratch.backwards.append(unknown)
      }
      end = step.start
    }
    ids.append(contentsOf: scratch.backwards.reversed())
  }

  private func search(_ text: [UInt8], _ range: Range<Int>, _ best: inout [Step]) {
    let base = range.lowerBound
    best.removeAll(keepingCapacity: true)
    best.append(Step(score: 0, start: 0, id: unknown))
    for _ in range { best.append(Step(score: -.infinity, start: -1, id: unknown)) }
    var position = 0
    while position < range.count {
      let (_, length) = UTF8Scan.scalar(text, base + position, range.upperBound)
      let score = best[position].score
      var foundCharacter = false
      var node = ByteTrie.root
      var end = position
      while end < range.count {
        node = trie.child(node, text[base + end])
        if node < 0 { break }
        end += 1
        let id = trie.value(node)
        if id >= 0 {
          relax(&best[end], sum(score, scores[Int(id)]), position, id)
          if end - position == length { foundCharacter = true }
        }
      }
      if !foundCharacter {
        relax(&best[position + length], sum(score, unknownScore), position, unknown)
      }
      position += length
    }
  }

  @inline(__always)
  private func sum(_ a: Double, _ b: Double) -> Double {
    singlePrecision ? Double(Float(a) + Float(b)) : a + b
  }

  @inline(__always)
  private func relax(_ step: inout Step, _ score: Double, _ start: Int, _ id: TokenID) {
    if step.start < 0 || score > step.score { step = Step(score: score, start: start, id: id) }
  }
}
