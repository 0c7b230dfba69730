import ApusCore

extension Tokenizer {
  /// Reads the `tokenizer.*` keys of a GGUF file, with the defaults that llama.cpp gives each kind of model.
  public init(metadata: Metadata) throws {
    let source = try MetadataSource(metadata)
    switch source.model {
    case "llama": self.init(parts: try source.sentencePieceParts())
    case "gpt2": self.init(parts: try source.mergeParts(named: source.preTokenizerName))
    case "gemma4": self.init(parts: try source.mergeParts(named: "gemma4"))
    case "bert": self.init(parts: try source.wordPieceParts())
    case "t5": self.init(parts: try source.unigramParts())
    default: throw TokenizerError.unsupported(kind: "tokenizer.ggml.model", name: source.model)
    }
  }
}

extension MetadataSource {
  /// `llama`: SentencePiece BPE by scores.
  fileprivate func sentencePieceParts() throws -> TokenizerParts {
    let vocabulary = Vocabulary(pieces: pieces)
    var roles = try roles(vocabulary, bos: 1, eos: 2, unknown: 0)
    let addsSpace = try bool("tokenizer.ggml.add_space_prefix") ?? true
    roles.endOfGeneration = try endOfGeneration(vocabulary, roles)
    let kinds = correctedKinds(vocabulary, roles)
    let model = try ScoreMergeModel(
      vocabulary: vocabulary, scores: try scores(),
      mergeable: kinds.map { $0 != .control && $0 != .unknown && $0 != .byte },
      byteTokens: vocabulary.byteFallbackTokens(), unknown: roles.unknown, fuseUnknown: false)
    var steps: [Normalizer] = [
      .replaceLiteral([0x20], with: SentencePieceNormalizer.space)
    ]
    if addsSpace { steps.insert(.prepend(SentencePieceNormalizer.space), at: 0) }
    return try parts(
      vocabulary, kinds, normalizer: .sequence(steps), preTokenizer: .none, model: model,
      decoder: .sentencePiece(vocabulary, kinds, strippedSpaces: addsSpace ? 1 : 0), roles: roles,
      addsBOS: true, addsEOS: false)
  }

  /// `gpt2`: byte-level BPE with a named pre-tokeniser; `gemma4`: BPE over characters.
  fileprivate func mergeParts(named name: String) throws -> TokenizerParts {
    let vocabulary = Vocabulary(pieces: pieces)
    var roles = try roles(
      vocabulary, bos: name.hasPrefix("gemma") ? nil : 11, eos: 11, unknown: nil)
    roles.endOfGeneration = try endOfGeneration(vocabulary, roles)
    let kinds = correctedKinds(vocabulary, roles)
    guard let merges = metadata["tokenizer.ggml.merges"]?.stringsValue else {
      throw TokenizerError.missing("tokenizer.ggml.merges")
    }
    let overCharacters = ["gemma4", "sarvam-moe", "granite-embed-multi-311m"].contains(name)
    let entries = pieces.indices.filter { kinds[$0] != .control && kinds[$0] != .unknown }
      .map { (piece: pieces[$0], id: $0) }
    var options = MergeModel.Options(byteLevel: !overCharacters, byteFallback: overCharacters)
    options.ignoreMerges = Self.ignoringMerges.contains(name)
    let model = try MergeModel(
      entries: entries, vocabulary: vocabulary, merges: merges.map { .joined(Array($0.utf8)) },
      options: options, strict: false)
    let verbatim = kinds.ids { $0 == .control || $0 == .unknown || $0 == .userDefined }
    let steps: [DecoderStep] =
      overCharacters
      ? [.replace(SentencePieceNormalizer.space, with: [0x20]), .byteFallback] : [.byteLevel]
    return try parts(
      vocabulary, kinds,
      normalizer: overCharacters
        ? .replaceLiteral([0x20], with: SentencePieceNormalizer.space) : nil,
      preTokenizer: try PatternCatalog.preTokenizer(named: name), model: model,
      decoder: TokenDecoder(
        vocabulary: vocabulary, steps: steps, special: special(kinds), verbatim: verbatim),
      roles: roles, addsBOS: Self.addingBOS.contains(name), addsEOS: false)
  }

  /// `bert`: WordPiece.
  fileprivate func wordPieceParts() throws -> TokenizerParts {
    let vocabulary = Vocabulary(pieces: pieces)
    var roles = try roles(vocabulary, bos: 101, eos: nil, unknown: 100)
    guard let unknown = roles.unknown else {
      throw TokenizerError.missing("tokenizer.ggml.unknown_token_id")
    }
    if metadata["tokenizer.ggml.bos_token_id"] == nil, let cls = try id("cls") { roles.bos = cls }
    let separator = try id("seperator") ?? id("separator") ?? (vocabulary.count > 102 ? 102 : nil)
    roles.eos = roles.eos ?? separator
    roles.endOfGeneration = try endOfGeneration(vocabulary, roles)
    let lowercases = try bool("tokenizer.ggml.normalizer.lowercase") ?? true
    let normalizer = BertNormalizer(
      stripsAccents: try bool("tokenizer.ggml.normalizer.strip_accents") ?? lowercases,
      lowercases: lowercases)
    let steps: [DecoderStep] = [
      .replace(SentencePieceNormalizer.space, with: [0x20]), .fuse, .strip([0x20], count: 1),
    ]
    let kinds = correctedKinds(vocabulary, roles)
    return TokenizerParts(
      vocabulary: vocabulary, added: addedTokens(kinds), normalizer: .bert(normalizer),
      preTokenizer: try .bert(),
      model: WordPieceModel(
        vocabulary: Vocabulary(pieces: wordPieces(kinds)), unknown: unknown,
        continuingPrefix: Self.continuation, longestWord: 100),
      prefix: roles.bos.map { [$0] } ?? [], suffix: separator.map { [$0] } ?? [],
      decoder: TokenDecoder(vocabulary: vocabulary, steps: steps, special: special(kinds)),
      special: roles, chatTemplate: chatTemplate)
  }

  /// `t5`: SentencePiece unigram.
  fileprivate func unigramParts() throws -> TokenizerParts {
    let vocabulary = Vocabulary(pieces: pieces)
    var roles = try roles(vocabulary, bos: nil, eos: 1, unknown: 2)
    roles.padding = roles.padding ?? 0
    roles.endOfGeneration = try endOfGeneration(vocabulary, roles)
    let scores = try scores()
    let kinds = correctedKinds(vocabulary, roles)
    let normal = zip(kinds, scores).filter { $0.0 == .normal }.map(\.1)
    let model = try UnigramModel(
      vocabulary: vocabulary,
      scores: zip(kinds, scores).map { $0.0 == .userDefined ? 0 : Double($0.1) },
      searchable: {
        [.normal, .userDefined, .unused].contains(kinds[Int($0)])
      },
      worst: Double(normal.min() ?? 0), unknown: roles.unknown, byteTokens: [], fuseUnknown: true,
      singlePrecision: false)
    var normalizer = SentencePieceNormalizer()
    normalizer.addsPrefix = try bool("tokenizer.ggml.add_space_prefix") ?? true
    normalizer.removesExtraSpaces = try bool("tokenizer.ggml.remove_extra_whitespaces") ?? false
    if let data = metadata["tokenizer.ggml.precompiled_charsmap"]?.integersValue, !data.isEmpty {
      normalizer.charsmap = try Charsmap(data.map { UInt8(truncatingIfNeeded: $0) })
    }
    return try parts(
      vocabulary, kinds, normalizer: .sentencePiece(normalizer), preTokenizer: .none, model: model,
      decoder: .sentencePiece(vocabulary, kinds, strippedSpaces: normalizer.addsPrefix ? 1 : 0),
      roles: roles, addsBOS: false, addsEOS: true)
  }

  private static let continuation = Array("##".utf8)

  /// BERT's own spelling of the pieces: GGUF writes `▁word` for `word` and `ing` for `##ing`.
  private func wordPieces(_ kinds: [PieceKind]) -> [[UInt8]] {
    zip(pieces, kinds).map { piece, kind in
      if piece.starts(with: SentencePieceNormalizer.space) { return Array(piece.dropFirst(3)) }
      return kind == .control || kind == .unknown ? piece : Self.continuation + piece
    }
  }

  private func parts(
    _ vocabulary: Vocabulary, _ kinds: [PieceKind], normalizer: Normalizer?,
    preTokenizer: PreTokenizer, model: any TokenModel, decoder: TokenDecoder,
    roles: SpecialTokens, addsBOS: Bool, addsEOS: Bool
  ) throws -> TokenizerParts {
    let addsBOS = try bool("tokenizer.ggml.add_bos_token") ?? addsBOS
    let addsEOS = try bool("tokenizer.ggml.add_eos_token") ?? addsEOS
    return TokenizerParts(
      vocabulary: vocabulary, added: addedTokens(kinds), normalizer: normalizer,
      preTokenizer: preTokenizer, model: model,
      prefix: addsBOS ? roles.bos.map { [$0] } ?? [] : [],
      suffix: addsEOS ? roles.eos.map { [$0] } ?? [] : [], decoder: decoder, special: roles,
      chatTemplate: chatTemplate)
  }
}
