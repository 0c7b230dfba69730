import ApusCore

extension Tokenizer {
  /// Reads a `vocab.json` and a `merges.txt` (GPT-2, Qwen2).
  ///
  /// - Parameters:
  ///   - configuration: the `tokenizer_config.json`, which may list added tokens.
  ///   - addedTokens: the `added_tokens.json`: contents to ids.
  ///   - preTokenizer: a name as in GGUF's `tokenizer.ggml.pre`.
  public init(
    vocabulary json: JSONValue, merges: String, configuration: JSONValue?,
    addedTokens: JSONValue?, preTokenizer: String
  ) throws {
    guard let object = json.objectValue else {
      throw TokenizerError.malformed(field: "vocab.json", problem: "is no object")
    }
    let entries = try VocabularyFile.entries(object)
    var vocabulary = try Vocabulary(entries: entries)
    let lines = merges.utf8.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).map(Array.init)
    let header = Array("#version".utf8)
    let model = try MergeModel(
      entries: entries, vocabulary: vocabulary,
      merges: lines.filter { !$0.starts(with: header) }.map { .joined($0) },
      options: MergeModel.Options(byteLevel: true), strict: false)

    let config = TokenizerConfiguration(configuration)
    var added = try config.addedTokens()
    let known = Set(added.map(\.id))
    for entry in addedTokens?.objectValue?.entries ?? [] {
      let id = try TokenID(checking: entry.value.intValue, field: "added_tokens.json")
      if known.contains(id) { continue }
      added.append(AddedToken(id: id, content: Array(entry.key.utf8), isSpecial: true))
    }
    for token in added {
      try vocabulary.insert(token.content, id: Int(token.id), entries: entries.count + added.count)
    }
    let special = Set(added.filter(\.isSpecial).map(\.id))
    var roles = config.roles(vocabulary)
    var template = try JSONTemplate(nil, vocabulary)
    config.override(&template, roles)
    roles.endOfGeneration = EndOfGeneration.ids(vocabulary, roles: roles)
    self.init(
      parts: TokenizerParts(
        vocabulary: vocabulary, added: AddedTokens(added, normalizer: nil),
        normalizer: config.normalizesToNFC ? .unicode(.nfc) : nil,
        preTokenizer: try PatternCatalog.preTokenizer(named: preTokenizer), model: model,
        prefix: template.prefix, suffix: template.suffix,
        decoder: TokenDecoder(vocabulary: vocabulary, steps: [.byteLevel], special: special),
        special: roles, chatTemplate: config.chatTemplate))
  }

  /// Reads a tiktoken file: a base64 piece and its rank on each line (Llama 3's `tokenizer.model`).
  ///
  /// - Parameter specialTokens: control tokens, which take the ids after the last rank in this order.
  public init(tiktoken: [UInt8], preTokenizer: String, specialTokens: [String]) throws {
    var entries: [(piece: [UInt8], id: Int)] = []
    for line in tiktoken.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
      let parts = line.split(separator: 0x20)
      guard parts.count == 2, let piece = Base64.decode(parts[0]), !piece.isEmpty,
        let rank = Int(String(decoding: parts[1], as: UTF8.self))
      else {
        throw TokenizerError.malformed(
          field: "tokenizer.model", problem: "line \(entries.count + 1) is no piece with a rank")
      }
      entries.append((piece, rank))
    }
    guard !entries.isEmpty else { throw TokenizerError.missing("tokenizer.model ranks") }
    let raw = try Vocabulary(entries: entries)
    let model = MergeModel(
      vocabulary: raw, merges: nil, options: MergeModel.Options(byteLevel: true, ignoreMerges: true)
    )

    // Written out in the same alphabet as every other byte-level vocabulary.
    var all: [(piece: [UInt8], id: Int)] = entries.map { entry in
      var piece: [UInt8] = []
      ByteAlphabet.encode(entry.piece, 0..<entry.piece.count, into: &piece)
      return (piece, entry.id)
    }
    var added: [AddedToken] = []
    for (index, content) in specialTokens.enumerated() {
      let id = try TokenID(checking: raw.count + index, field: "specialTokens")
      added.append(AddedToken(id: id, content: Array(content.utf8), isSpecial: true))
      all.append((Array(content.utf8), Int(id)))
    }
    let vocabulary = try Vocabulary(entries: all)
    var roles = SpecialTokens()
    roles.bos = vocabulary.id(of: "<|begin_of_text|>")
    roles.eos = vocabulary.id(of: "<|end_of_text|>") ?? vocabulary.id(of: "<|endoftext|>")
    roles.endOfGeneration = EndOfGeneration.ids(vocabulary, roles: roles)
    self.init(
      parts: TokenizerParts(
        vocabulary: vocabulary, added: AddedTokens(added, normalizer: nil), normalizer: nil,
        preTokenizer: try PatternCatalog.preTokenizer(named: preTokenizer), model: model,
        prefix: roles.bos.map { [$0] } ?? [], suffix: [],
        decoder: TokenDecoder(
          vocabulary: vocabulary, steps: [.byteLevel], special: Set(added.map(\.id))),
        special: roles, chatTemplate: nil))
  }
}

extension Tokenizer {
  /// Reads BERT's `vocab.txt`: one piece a line, the line's number its id.
  ///
  /// - Parameter configuration: the `tokenizer_config.json`; its defaults are those of the uncased models.
  public init(wordPieces: String, configuration: JSONValue?) throws {
    var lines = wordPieces.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map {
      Array($0.last == 0x0D ? $0.dropLast() : $0)
    }
    while lines.last?.isEmpty == true { lines.removeLast() }
    let vocabulary = Vocabulary(pieces: lines)
    let config = TokenizerConfiguration(configuration)
    func special(_ key: String, _ standard: String) throws -> TokenID {
      let piece = config.piece(key) ?? standard
      guard let id = vocabulary.id(of: piece) else {
        throw TokenizerError.malformed(field: "vocab.txt", problem: "lacks the token '\(piece)'")
      }
      return id
    }
    var roles = config.roles(vocabulary)
    let unknown = try special("unk_token", "[UNK]")
    let (first, last) = (try special("cls_token", "[CLS]"), try special("sep_token", "[SEP]"))
    (roles.unknown, roles.bos, roles.eos) = (unknown, roles.bos ?? first, roles.eos ?? last)
    roles.endOfGeneration = EndOfGeneration.ids(vocabulary, roles: roles)
    let others = ["[PAD]", "[MASK]"].compactMap { vocabulary.id(of: $0) }
    let ids = Set([unknown, first, last] + others)
    let added = ids.sorted().map {
      AddedToken(id: $0, content: lines[Int($0)], isSpecial: true)
    }
    let lowercases = configuration?["do_lower_case"]?.boolValue ?? true
    let normalizer = Normalizer.bert(
      BertNormalizer(
        spacesChinese: configuration?["tokenize_chinese_chars"]?.boolValue ?? true,
        stripsAccents: configuration?["strip_accents"]?.boolValue ?? lowercases,
        lowercases: lowercases))
    self.init(
      parts: TokenizerParts(
        vocabulary: vocabulary, added: AddedTokens(added, normalizer: normalizer),
        normalizer: normalizer, preTokenizer: try .bert(),
        model: WordPieceModel(
          vocabulary: vocabulary, unknown: unknown, continuingPrefix: Array("##".utf8),
          longestWord: 100),
        prefix: [first], suffix: [last],
        decoder: TokenDecoder(
          vocabulary: vocabulary, steps: [.wordPiece(prefix: Array("##".utf8), cleanup: true)],
          special: ids),
        special: roles, chatTemplate: config.chatTemplate))
  }
}

extension PreTokenizer {
  /// BERT's: at spaces and around punctuation.
  static func bert() throws -> PreTokenizer {
    PreTokenizer(
      name: "bert",
      steps: [
        .split(try PatternAutomaton(#"\s"#), .removed, inverted: false),
        .split(try PatternAutomaton(#"\p{BertPunctuation}"#), .isolated, inverted: false),
      ])
  }
}

extension TokenizerConfiguration {
  /// Qwen2's tokenizer normalises to NFC, which its `tokenizer.json` says and its other files do not.
  var normalizesToNFC: Bool { tokenizerClass.hasPrefix("Qwen2") }
}
