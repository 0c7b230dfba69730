import ApusCore

/// Typed reading of the `tokenizer.*` keys of a GGUF file.
struct MetadataSource {
  /// Pre-tokenisers whose models take a whole word that is a piece before any merge.
  static let ignoringMerges: Set<String> = [
    "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
    "jina-v5-nano", "tekken", "minicpm5", "youtu", "granite-embed-multi-97m",
  ]

  /// Pre-tokenisers whose models begin with the bos token where the file does not say.
  static let addingBOS: Set<String> = [
    "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
    "jina-v5-nano", "tekken", "chameleon", "gemma4",
  ]

  let metadata: Metadata
  let model: String
  let pieces: [[UInt8]]
  private let listedKinds: [PieceKind]

  init(_ metadata: Metadata) throws {
    self.metadata = metadata
    guard let model = metadata["tokenizer.ggml.model"] else {
      throw TokenizerError.missing("tokenizer.ggml.model")
    }
    guard let name = model.stringValue else {
      throw TokenizerError.malformed(field: "tokenizer.ggml.model", problem: "is no string")
    }
    self.model = name
    guard let tokens = metadata["tokenizer.ggml.tokens"] else {
      throw TokenizerError.missing("tokenizer.ggml.tokens")
    }
    guard let pieces = tokens.stringsValue, !pieces.isEmpty, pieces.count < Int(Int32.max) else {
      throw TokenizerError.malformed(
        field: "tokenizer.ggml.tokens", problem: "is no array of strings")
    }
    self.pieces = pieces.map { Array($0.utf8) }
    if let types = metadata["tokenizer.ggml.token_type"] {
      guard let values = types.integersValue, values.count >= pieces.count else {
        throw TokenizerError.malformed(
          field: "tokenizer.ggml.token_type", problem: "is no array of \(pieces.count) integers")
      }
      listedKinds = values.prefix(pieces.count).map {
        Int(exactly: $0).flatMap(PieceKind.init(rawValue:)) ?? .undefined
      }
    } else {
      listedKinds = Array(repeating: .normal, count: pieces.count)
    }
  }

  var preTokenizerName: String {
    metadata["tokenizer.ggml.pre"]?.stringValue ?? "default"
  }

  var chatTemplate: String? { metadata["tokenizer.chat_template"]?.stringValue }

  func bool(_ key: String) throws -> Bool? {
    guard let value = metadata[key] else { return nil }
    guard let flag = value.boolValue else {
      throw TokenizerError.malformed(field: key, problem: "is no boolean")
    }
    return flag
  }

  /// The id under `tokenizer.ggml.<role>_token_id`; ids outside the vocabulary count as absent.
  func id(_ role: String) throws -> TokenID? {
    let key = "tokenizer.ggml.\(role)_token_id"
    guard let value = metadata[key] else { return nil }
    guard let id = value.intValue else {
      throw TokenizerError.malformed(field: key, problem: "is no integer")
    }
    return pieces.indices.contains(id) ? TokenID(id) : nil
  }

  func scores() throws -> [Float] {
    guard let value = metadata["tokenizer.ggml.scores"] else {
      return Array(repeating: 0, count: pieces.count)
    }
    let scores = value.numbersValue ?? value.integersValue?.map { Float($0) }
    guard let scores, scores.count >= pieces.count else {
      throw TokenizerError.malformed(
        field: "tokenizer.ggml.scores", problem: "is no array of \(pieces.count) numbers")
    }
    return Array(scores.prefix(pieces.count))
  }

  func roles(
    _ vocabulary: Vocabulary, bos: TokenID?, eos: TokenID?, unknown: TokenID?
  ) throws -> SpecialTokens {
    func valid(_ id: TokenID?) -> TokenID? {
      id.flatMap { Int($0) < vocabulary.count ? $0 : nil }
    }
    var roles = SpecialTokens(
      bos: try id("bos") ?? valid(bos), eos: try id("eos") ?? valid(eos),
      padding: try id("padding"), unknown: try id("unknown") ?? valid(unknown))
    for name in FillInMiddleTokens.roleNames { roles.fillRoles[name] = try id(name) }
    return roles
  }

  /// The tokens that end a turn by name, and those that the file gives such a role.
  func endOfGeneration(_ vocabulary: Vocabulary, _ roles: SpecialTokens) throws -> Set<TokenID> {
    var ids = EndOfGeneration.ids(vocabulary, roles: roles)
    for role in ["eot", "eom", "fim_pad", "fim_rep", "fim_sep"] {
      if let id = try id(role) { ids.insert(id) }
    }
    return ids
  }

  /// The kinds as listed, with the corrections that llama.cpp makes by name.
  func correctedKinds(_ vocabulary: Vocabulary, _ roles: SpecialTokens) -> [PieceKind] {
    var kinds = listedKinds
    for id in roles.endOfGeneration { kinds[Int(id)] = .control }
    for name in ["<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"] {
      if let id = vocabulary.id(of: name) { kinds[Int(id)] = .userDefined }
    }
    return kinds
  }

  func special(_ kinds: [PieceKind]) -> Set<TokenID> {
    kinds.ids { $0 == .control || $0 == .unknown }
  }

  func addedTokens(_ kinds: [PieceKind]) -> AddedTokens {
    // Phi-3's special tokens take the white space after them along, which no GGUF key says.
    let name = (metadata["general.name"]?.stringValue ?? "").lowercased()
    let stripsRight = name.contains("phi-3") || name.contains("phi3")
    let exceptions = ["<unk>", "<s>", "<|endoftext|>"].map { Array($0.utf8) }
    var tokens: [AddedToken] = []
    for (id, kind) in kinds.enumerated() {
      guard kind == .control || kind == .unknown || kind == .userDefined else { continue }
      var token = AddedToken(id: TokenID(id), content: pieces[id], isSpecial: kind != .userDefined)
      token.stripsRight = stripsRight && !exceptions.contains(pieces[id])
      tokens.append(token)
    }
    return AddedTokens(tokens, normalizer: nil)
  }
}
