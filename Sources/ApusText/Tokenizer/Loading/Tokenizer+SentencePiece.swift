import ApusCore

extension Tokenizer {
  /// Reads a SentencePiece `.model` file (BPE or unigram).
  public init(sentencePiece data: [UInt8]) throws {
    let file = try SentencePieceFile(data)
    let vocabulary = Vocabulary(pieces: file.pieces)
    var added: [AddedToken] = []
    var userDefined = ByteTrie()
    for (id, kind) in file.kinds.enumerated() {
      if kind == .control {
        // The library never reads control pieces out of a text; a chat template needs them read.
        added.append(AddedToken(id: TokenID(id), content: file.pieces[id], isSpecial: true))
      } else if kind == .userDefined {
        userDefined.insert(file.pieces[id], TokenID(id))
      }
    }
    var normalizer = file.normalizer
    normalizer.userDefined = userDefined
    let byteTokens = file.byteFallback ? vocabulary.byteFallbackTokens() : []
    var roles = file.roles(vocabulary)
    let model: any TokenModel
    if file.isUnigram {
      model = try UnigramModel(
        vocabulary: vocabulary, scores: file.unigramScores(), searchable: file.isSearchable,
        worst: Double(file.normalScores.min() ?? 0), unknown: roles.unknown,
        byteTokens: byteTokens, fuseUnknown: true, singlePrecision: true)
    } else {
      model = try ScoreMergeModel(
        vocabulary: vocabulary, scores: file.scores,
        mergeable: file.kinds.map { $0 == .normal || $0 == .userDefined || $0 == .unused },
        byteTokens: byteTokens, unknown: roles.unknown, fuseUnknown: true,
        unused: file.kinds.ids { $0 == .unused },
        userDefined: userDefined)
    }
    roles.endOfGeneration = EndOfGeneration.ids(vocabulary, roles: roles)
    self.init(
      parts: TokenizerParts(
        vocabulary: vocabulary, added: AddedTokens(added, normalizer: nil),
        normalizer: .sentencePiece(normalizer), preTokenizer: .none, model: model,
        prefix: roles.bos.map { [$0] } ?? [], suffix: [],
        decoder: .sentencePiece(
          vocabulary, file.kinds, strippedSpaces: file.strippedSpaces, unknown: file.unknownSurface),
        special: roles,
        chatTemplate: nil))
  }
}

extension TokenDecoder {
  /// Pieces with `▁` for the space and `<0x..>` for bytes.
  ///
  /// - Parameters:
  ///   - strippedSpaces: how many spaces go from the beginning of a text.
  ///   - unknown: what unknown tokens read as, if not as their piece.
  static func sentencePiece(
    _ vocabulary: Vocabulary, _ kinds: [PieceKind], strippedSpaces: Int, unknown: [UInt8]? = nil
  ) -> TokenDecoder {
    let special = kinds.ids { $0 == .control || $0 == .unknown }
    let verbatim = kinds.ids { $0 == .control || $0 == .unknown || $0 == .userDefined }
    let steps: [DecoderStep] = [
      .replace(SentencePieceNormalizer.space, with: [0x20]), .byteFallback, .fuse,
      .strip([0x20], count: strippedSpaces),
    ]
    var surfaces: [TokenID: [UInt8]] = [:]
    if let unknown { for id in kinds.ids(where: { $0 == .unknown }) { surfaces[id] = unknown } }
    return TokenDecoder(
      vocabulary: vocabulary, steps: steps, special: special, verbatim: verbatim,
      surfaces: surfaces)
  }
}

/// The parts of `sentencepiece_model.proto` that encoding needs.
private struct SentencePieceFile {
  var pieces: [[UInt8]] = []
  var scores: [Float] = []
  var kinds: [PieceKind] = []
  var isUnigram = true
  var byteFallback = false
  var normalizer = SentencePieceNormalizer()
  private(set) var unknownSurface = Array(" ⁇ ".utf8)
  private var ids = (unknown: 0, bos: 1, eos: 2, padding: -1)

  init(_ data: [UInt8]) throws {
    var reader = ProtobufReader(data, 0..<data.count)
    while let (number, value) = try reader.next() {
      guard case .bytes(let range) = value else { continue }
      switch number {
      case 1: try readPiece(data, range)
      case 2: try readTrainer(data, range)
      case 3: try readNormalizer(data, range)
      default: break
      }
    }
    guard !pieces.isEmpty else { throw TokenizerError.missing("sentencepiece model pieces") }
  }

  private mutating func readPiece(_ data: [UInt8], _ range: Range<Int>) throws {
    var piece: [UInt8] = []
    var score: Float = 0
    var kind = PieceKind.normal
    var reader = ProtobufReader(data, range)
    while let (number, value) = try reader.next() {
      switch (number, value) {
      case (1, .bytes(let range)): piece = Array(data[range])
      case (2, _): score = value.floatValue
      case (3, _): kind = PieceKind(rawValue: value.intValue) ?? .normal
      default: break
      }
    }
    pieces.append(piece)
    scores.append(score)
    kinds.append(kind)
  }

  private mutating func readTrainer(_ data: [UInt8], _ range: Range<Int>) throws {
    var reader = ProtobufReader(data, range)
    while let (number, value) = try reader.next() {
      switch number {
      case 3:
        guard value.intValue == 1 || value.intValue == 2 else {
          throw TokenizerError.unsupported(
            kind: "sentencepiece model type", name: "\(value.intValue)")
        }
        isUnigram = value.intValue == 1
      case 24: normalizer.spaceIsSuffix = value.boolValue
      case 35: byteFallback = value.boolValue
      case 40: ids.unknown = value.intValue
      case 41: ids.bos = value.intValue
      case 42: ids.eos = value.intValue
      case 43: ids.padding = value.intValue
      case 44: if case .bytes(let range) = value { unknownSurface = Array(data[range]) }
      default: break
      }
    }
  }

  private mutating func readNormalizer(_ data: [UInt8], _ range: Range<Int>) throws {
    var reader = ProtobufReader(data, range)
    while let (number, value) = try reader.next() {
      switch (number, value) {
      case (2, .bytes(let range)):
        if !range.isEmpty { normalizer.charsmap = try Charsmap(Array(data[range])) }
      case (3, _): normalizer.addsPrefix = value.boolValue
      case (4, _): normalizer.removesExtraSpaces = value.boolValue
      case (5, _): normalizer.escapesSpaces = value.boolValue
      default: break
      }
    }
  }

  /// What the library takes off the beginning of a decoded text.
  var strippedSpaces: Int {
    normalizer.removesExtraSpaces
      ? .max : normalizer.addsPrefix && !normalizer.spaceIsSuffix ? 1 : 0
  }

  func roles(_ vocabulary: Vocabulary) -> SpecialTokens {
    func valid(_ id: Int) -> TokenID? { kinds.indices.contains(id) ? TokenID(id) : nil }
    var roles = SpecialTokens()
    roles.unknown = kinds.firstIndex(of: .unknown).map { TokenID($0) } ?? valid(ids.unknown)
    roles.bos = valid(ids.bos).flatMap { kinds[Int($0)] == .control ? $0 : nil }
    roles.eos = valid(ids.eos).flatMap { kinds[Int($0)] == .control ? $0 : nil }
    roles.padding = valid(ids.padding)
    return roles
  }

  var normalScores: [Float] { zip(kinds, scores).filter { $0.0 == .normal }.map(\.1) }

  /// Scores of the search; a user-defined piece always wins over what could stand in its place.
  func unigramScores() -> [Double] {
    let best = normalScores.max() ?? 0
    return pieces.indices.map { id in
      let bonus = Double(Float(pieces[id].count) * best) - 0.1
      return kinds[id] == .userDefined ? Double(Float(bonus)) : Double(scores[id])
    }
  }

  func isSearchable(_ id: TokenID) -> Bool {
    kinds[Int(id)] == .normal || kinds[Int(id)] == .userDefined
  }
}
