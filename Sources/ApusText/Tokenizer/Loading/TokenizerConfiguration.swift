import ApusCore

/// What a `tokenizer_config.json` adds to a tokenizer.
struct TokenizerConfiguration {
  private let value: JSONValue?

  init(_ value: JSONValue?) { self.value = value }

  private func text(_ key: String) -> String? {
    let field = value?[key]
    return field?.stringValue ?? field?["content"]?.stringValue
  }

  private func token(_ key: String, _ vocabulary: Vocabulary) -> TokenID? {
    text(key).flatMap { vocabulary.id(of: $0) }
  }

  /// The written form of a special token.
  func piece(_ key: String) -> String? { text(key) }

  func roles(_ vocabulary: Vocabulary) -> SpecialTokens {
    SpecialTokens(
      bos: token("bos_token", vocabulary), eos: token("eos_token", vocabulary),
      padding: token("pad_token", vocabulary), unknown: token("unk_token", vocabulary))
  }

  /// The template itself, or the one named `default` in a list.
  var chatTemplate: String? {
    guard let field = value?["chat_template"] else { return nil }
    if let text = field.stringValue { return text }
    let named = field.arrayValue ?? []
    let chosen = named.first { $0["name"]?.stringValue == "default" } ?? named.first
    return chosen?["template"]?.stringValue
  }

  /// The tokens of `added_tokens_decoder`.
  func addedTokens() throws -> [AddedToken] {
    guard let object = value?["added_tokens_decoder"]?.objectValue else { return [] }
    return try object.entries.map { entry in
      let fields = JSONFields(entry.value, "added_tokens_decoder.\(entry.key)")
      guard let content = try fields.string("content") else {
        throw TokenizerError.missing("\(fields.path).content")
      }
      let id = try TokenID(checking: Int(entry.key), field: "added_tokens_decoder")
      return try JSONAddedToken.make(content, id, fields)
    }
  }

  var tokenizerClass: String { text("tokenizer_class") ?? "" }

  /// Classes of the `transformers` package that build their template from `add_bos_token` and `add_eos_token`.
  private var ownsTemplate: Bool {
    ["Llama", "Gemma", "Cohere"].contains { tokenizerClass.contains($0) }
  }

  func override(_ template: inout JSONTemplate, _ roles: SpecialTokens) {
    let isEmpty = template.prefix.isEmpty && template.suffix.isEmpty
    guard ownsTemplate || isEmpty else { return }
    if let adds = value?["add_bos_token"]?.boolValue, let bos = roles.bos {
      template.prefix = adds ? [bos] : template.prefix.filter { $0 != bos }
    }
    if let adds = value?["add_eos_token"]?.boolValue, let eos = roles.eos {
      template.suffix = adds ? [eos] : template.suffix.filter { $0 != eos }
    }
  }
}
