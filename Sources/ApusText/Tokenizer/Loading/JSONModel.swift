import ApusCore

/// Reads the `model` part of a `tokenizer.json`.
struct JSONModel {
  /// Pieces as written, added tokens among them.
  private(set) var vocabulary: Vocabulary
  let model: any TokenModel
  let unknown: TokenID?

  init(_ fields: JSONFields, added: [AddedToken], isByteLevel: Bool) throws {
    // Old files leave the type out of BPE models.
    let type = try fields.string("type") ?? (fields.optional("merges") != nil ? "BPE" : "")
    switch type {
    case "BPE":
      let entries = try Self.entries(fields)
      vocabulary = try Vocabulary(entries: entries)
      unknown = try Self.unknown(fields, vocabulary)
      let merges = try Self.merges(fields)
      model = try MergeModel(
        entries: entries, vocabulary: vocabulary, merges: merges,
        options: try Self.mergeOptions(fields, unknown, isByteLevel), strict: true)
    case "WordPiece", "WordLevel":
      vocabulary = try Vocabulary(entries: try Self.entries(fields))
      unknown = try Self.unknown(fields, vocabulary)
      guard let unknown else { throw TokenizerError.missing("model.unk_token") }
      model = WordPieceModel(
        vocabulary: vocabulary, unknown: unknown,
        continuingPrefix: Array((try fields.string("continuing_subword_prefix") ?? "##").utf8),
        longestWord: try fields.integer("max_input_chars_per_word") ?? 100,
        wholeWordsOnly: type == "WordLevel")
    case "Unigram":
      let (pieces, scores) = try Self.scoredPieces(fields)
      vocabulary = Vocabulary(pieces: pieces)
      unknown = try fields.integer("unk_id").map {
        try TokenID(checking: $0, field: "model.unk_id")
      }
      let byteFallback = try fields.bool("byte_fallback") ?? false
      model = try UnigramModel(
        vocabulary: vocabulary, scores: scores, searchable: { _ in true },
        worst: scores.min() ?? 0, unknown: unknown,
        byteTokens: byteFallback ? vocabulary.byteFallbackTokens() : [], fuseUnknown: true,
        singlePrecision: false)
    default: throw TokenizerError.unsupported(kind: "model", name: type)
    }
  }

  /// Enters the added tokens into the vocabulary; those of the configuration come last and where they are new.
  mutating func merge(
    _ tokens: [AddedToken], with configuration: TokenizerConfiguration
  ) throws -> [AddedToken] {
    var all = tokens
    let known = Set(tokens.map(\.id))
    all += try configuration.addedTokens().filter { !known.contains($0.id) }
    for token in all {
      try vocabulary.insert(
        token.content, id: Int(token.id), entries: vocabulary.count + all.count)
    }
    return all
  }

  private static func entries(_ fields: JSONFields) throws -> [(piece: [UInt8], id: Int)] {
    guard let object = try fields.object("vocab") else {
      throw TokenizerError.missing("model.vocab")
    }
    return try VocabularyFile.entries(object)
  }

  private static func unknown(_ fields: JSONFields, _ vocabulary: Vocabulary) throws -> TokenID? {
    try fields.string("unk_token").flatMap { vocabulary.id(of: $0) }
  }

  private static func mergeOptions(
    _ fields: JSONFields, _ unknown: TokenID?, _ isByteLevel: Bool
  ) throws -> MergeModel.Options {
    MergeModel.Options(
      byteLevel: isByteLevel, ignoreMerges: try fields.bool("ignore_merges") ?? false,
      byteFallback: try fields.bool("byte_fallback") ?? false,
      fuseUnknown: try fields.bool("fuse_unk") ?? false, unknown: unknown,
      continuingPrefix: Array((try fields.string("continuing_subword_prefix") ?? "").utf8),
      endOfWordSuffix: Array((try fields.string("end_of_word_suffix") ?? "").utf8))
  }

  private static func merges(_ fields: JSONFields) throws -> [MergeEntry] {
    // Some writers leave an empty object where there are no merges.
    if let object = fields.optional("merges")?.objectValue, object.count == 0 { return [] }
    return try (try fields.array("merges") ?? []).map { item in
      if let text = item.stringValue { return .joined(Array(text.utf8)) }
      guard let pair = item.arrayValue, pair.count == 2, let left = pair[0].stringValue,
        let right = pair[1].stringValue
      else {
        throw TokenizerError.malformed(
          field: "model.merges", problem: "has an entry that is no pair")
      }
      return .pair(Array(left.utf8), Array(right.utf8))
    }
  }

  private static func scoredPieces(_ fields: JSONFields) throws -> ([[UInt8]], [Double]) {
    var pieces: [[UInt8]] = []
    var scores: [Double] = []
    for item in try fields.array("vocab") ?? [] {
      guard let pair = item.arrayValue, pair.count == 2, let piece = pair[0].stringValue,
        let score = pair[1].doubleValue
      else {
        throw TokenizerError.malformed(
          field: "model.vocab", problem: "has an entry that is no piece with a score")
      }
      pieces.append(Array(piece.utf8))
      scores.append(score)
    }
    return (pieces, scores)
  }
}

/// A `vocab.json`: pieces to ids.
enum VocabularyFile {
  static func entries(_ object: JSONObject) throws -> [(piece: [UInt8], id: Int)] {
    try object.entries.map { entry in
      guard let id = entry.value.intValue else {
        throw TokenizerError.malformed(
          field: "vocab", problem: "gives '\(entry.key)' no integer id")
      }
      return (Array(entry.key.utf8), id)
    }
  }
}
