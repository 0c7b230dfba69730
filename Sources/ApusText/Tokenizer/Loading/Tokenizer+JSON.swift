import ApusCore

extension Tokenizer {
  /// Reads a `tokenizer.json`, with the `tokenizer_config.json` beside it where there is one.
  public init(json: JSONValue, configuration: JSONValue? = nil) throws {
    let root = JSONFields(json, "tokenizer.json")
    guard json.objectValue != nil else {
      throw TokenizerError.malformed(field: "tokenizer.json", problem: "is no object")
    }
    guard let model = try root.fields("model") else { throw TokenizerError.missing("model") }
    let normalizer = try root.fields("normalizer").map { try JSONNormalizer.make($0) }
    let preFields = try root.fields("pre_tokenizer")
    let preTokenizer = try preFields.map(JSONPreTokenizer.make) ?? .none
    let tokens = try (try root.array("added_tokens") ?? []).map(JSONAddedToken.make)

    var loader = try JSONModel(model, added: tokens, isByteLevel: preTokenizer.isByteLevel)
    let config = TokenizerConfiguration(configuration)
    let added = try loader.merge(tokens, with: config)
    let steps = try root.fields("decoder").map { try DecoderStep.make($0) } ?? []
    let special = Set(added.filter(\.isSpecial).map(\.id))

    var roles = config.roles(loader.vocabulary)
    roles.unknown = roles.unknown ?? loader.unknown
    var template = try JSONTemplate(root.fields("post_processor"), loader.vocabulary)
    template.infer(&roles)
    config.override(&template, roles)
    roles.endOfGeneration = EndOfGeneration.ids(loader.vocabulary, roles: roles)
    self.init(
      parts: TokenizerParts(
        vocabulary: loader.vocabulary, added: AddedTokens(added, normalizer: normalizer),
        normalizer: normalizer, preTokenizer: preTokenizer, model: loader.model,
        prefix: template.prefix, suffix: template.suffix,
        decoder: TokenDecoder(vocabulary: loader.vocabulary, steps: steps, special: special),
        special: roles, chatTemplate: config.chatTemplate))
  }
}

/// Entries of `added_tokens`.
enum JSONAddedToken {
  static func make(_ value: JSONValue) throws -> AddedToken {
    let fields = JSONFields(value, "added_tokens[]")
    guard let content = try fields.string("content") else {
      throw TokenizerError.missing("added_tokens[].content")
    }
    let id = try TokenID(checking: try fields.integer("id"), field: "added_tokens[].id")
    return try make(content, id, fields)
  }

  static func make(_ content: String, _ id: TokenID, _ fields: JSONFields) throws -> AddedToken {
    let isSpecial = try fields.bool("special") ?? false
    return AddedToken(
      id: id, content: Array(content.utf8), isSpecial: isSpecial,
      stripsLeft: try fields.bool("lstrip") ?? false,
      stripsRight: try fields.bool("rstrip") ?? false,
      isWholeWord: try fields.bool("single_word") ?? false,
      isNormalized: try fields.bool("normalized") ?? !isSpecial)
  }
}

/// The ids that a post-processor puts around a text.
struct JSONTemplate {
  var prefix: [TokenID] = []
  var suffix: [TokenID] = []

  init(_ fields: JSONFields?, _ vocabulary: Vocabulary) throws {
    if let fields { try read(fields, vocabulary, depth: 0) }
  }

  private mutating func read(_ fields: JSONFields, _ vocabulary: Vocabulary, depth: Int) throws {
    let type = try fields.type()
    switch type {
    case "ByteLevel": return
    case "Sequence":
      guard depth < 16 else {
        throw TokenizerError.malformed(field: fields.path, problem: "is nested too deeply")
      }
      for item in try fields.array("processors") ?? [] {
        try read(JSONFields(item, "\(fields.path)[]"), vocabulary, depth: depth + 1)
      }
    case "BertProcessing", "RobertaProcessing":
      prefix = [try pair(fields, "cls", vocabulary)] + prefix
      suffix += [try pair(fields, "sep", vocabulary)]
    case "TemplateProcessing": try readTemplate(fields, vocabulary)
    default: throw TokenizerError.unsupported(kind: "post-processor", name: type)
    }
  }

  private func pair(
    _ fields: JSONFields, _ key: String, _ vocabulary: Vocabulary
  ) throws -> TokenID {
    let items = try fields.array(key) ?? []
    let id = items.count == 2 ? items[1] : .null
    return try check(id, "\(fields.path).\(key)", vocabulary)
  }

  private func check(
    _ value: JSONValue, _ field: String, _ vocabulary: Vocabulary
  ) throws -> TokenID {
    let id = try TokenID(checking: value.intValue, field: field)
    guard Int(id) < vocabulary.count else {
      throw TokenizerError.malformed(field: field, problem: "names id \(id), which has no piece")
    }
    return id
  }

  private mutating func readTemplate(_ fields: JSONFields, _ vocabulary: Vocabulary) throws {
    var before: [TokenID] = []
    var after: [TokenID] = []
    var sawText = false
    for item in try fields.array("single") ?? [] {
      if item["Sequence"] != nil {
        sawText = true
      } else if let name = item["SpecialToken"]?["id"]?.stringValue {
        let listed = fields.value["special_tokens"]?[name]?["ids"]?.arrayValue
        let ids = try listed?.map { try check($0, "special_tokens", vocabulary) }
        guard let ids = ids ?? vocabulary.id(of: name).map({ [$0] }) else {
          throw TokenizerError.malformed(
            field: "\(fields.path).single", problem: "names an unknown token '\(name)'")
        }
        if sawText { after += ids } else { before += ids }
      }
    }
    prefix = before + prefix
    suffix += after
  }

  /// Takes the tokens of the template for bos and eos where the configuration names none.
  func infer(_ roles: inout SpecialTokens) {
    if roles.bos == nil, prefix.count == 1 { roles.bos = prefix[0] }
    if roles.eos == nil, suffix.count == 1 { roles.eos = suffix[0] }
  }
}
