import ApusCompute
import ApusCore

/// The `tokenizer.*` keys for a Hugging Face tokenizer, as llama.cpp's converter writes them.
package struct TokenizerExport {
  /// `tokenizer.ggml.token_type`.
  private enum Kind: Int32 {
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6
  }

  private let file: String
  private let json: JSONValue
  private let configuration: JSONValue
  private let modelConfiguration: JSONValue
  private let template: String?
  private let vocabularySize: Int

  private var tokens: [String] = []
  private var kinds: [Kind] = []
  private var scores: [Float] = []

  /// Reads `tokenizer.json` and `tokenizer_config.json`; `modelConfiguration` is config.json.
  package init(
    tokenizerJSON: String, tokenizerConfig: String?, chatTemplate: String?,
    modelConfiguration: JSONValue, vocabularySize: Int
  ) throws {
    file = tokenizerJSON
    json = try readJSON(tokenizerJSON)
    configuration = try tokenizerConfig.map(readJSON) ?? .null
    self.modelConfiguration = modelConfiguration
    self.vocabularySize = vocabularySize
    template = try chatTemplate.map { path in
      let file = try MappedFile(path: path)
      return String(decoding: file.bytes(0..<file.count), as: UTF8.self)
    }
  }

  func unsupported(_ field: String, _ problem: String) -> CheckpointError {
    .invalidField(file: file, field: field, problem: problem)
  }

  package mutating func metadata() throws -> [(key: String, value: GGUFValue)] {
    guard json["model"]?["type"]?.stringValue == "BPE" else {
      throw unsupported(
        "model.type", "is \(json["model"]?["type"]?.text ?? "missing"); only BPE can be written")
    }
    let isSentencePiece = json["model"]?["byte_fallback"]?.boolValue == true
    try readVocabulary(bytesAreTokens: isSentencePiece)
    let merges = try readMerges()
    var result: [(key: String, value: GGUFValue)] = [
      ("tokenizer.ggml.model", .string(isSentencePiece ? "llama" : "gpt2")),
      (
        "tokenizer.ggml.pre",
        .string(isSentencePiece ? "default" : try PreTokenizerName(json, file: file).name)
      ),
      ("tokenizer.ggml.tokens", .strings(tokens)),
    ]
    if isSentencePiece {
      fillScores(merges)
      result.append(("tokenizer.ggml.scores", .float32s(scores)))
      result.append(("tokenizer.ggml.add_space_prefix", .bool(addsSpacePrefix)))
    }
    result.append(("tokenizer.ggml.token_type", .int32s(kinds.map(\.rawValue))))
    if !isSentencePiece {
      // A space inside a part would end it; llama.cpp expects the letter that byte-level BPE uses.
      let lines = merges.map { pair in
        pair.map { $0.replacing(" ", with: "\u{120}") }.joined(separator: " ")
      }
      result.append(("tokenizer.ggml.merges", .strings(lines)))
    }
    return result + specialTokens() + chatTemplates()
  }

  private func readMerges() throws -> [[String]] {
    let merges = json["model"]?["merges"]?.arrayValue ?? []
    let known = Set(tokens)
    return try merges.enumerated().map { index, merge in
      let parts =
        merge.stringValue.map { split($0, known: known) }
        ?? merge.arrayValue?.compactMap(\.stringValue)
      guard let parts, parts.count == 2 else {
        throw unsupported("model.merges[\(index)]", "is no pair: \(merge.text)")
      }
      return parts
    }
  }

  /// The two parts of a merge written with a space between; parts may have spaces of their own.
  private func split(_ merge: String, known: Set<String>) -> [String] {
    let pieces = merge.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    guard pieces.count > 2 else { return pieces }
    for cut in 1..<pieces.count {
      let left = pieces[..<cut].joined(separator: " ")
      let right = pieces[cut...].joined(separator: " ")
      if known.contains(left), known.contains(right) { return [left, right] }
    }
    return pieces
  }

  private mutating func readVocabulary(bytesAreTokens: Bool) throws {
    guard let entries = json["model"]?["vocab"]?.objectValue?.entries else {
      throw unsupported("model.vocab", "is missing")
    }
    tokens = (0..<vocabularySize).map { "[PAD\($0)]" }
    kinds = .init(repeating: .unused, count: vocabularySize)
    let unknown = json["model"]?["unk_token"]?.stringValue
    for (token, id) in entries {
      guard let id = id.intValue, id >= 0 else { throw unsupported("model.vocab", "has no id") }
      guard id < vocabularySize else { continue }
      tokens[id] = token
      kinds[id] =
        bytesAreTokens && isByteToken(token) ? .byte : token == unknown ? .unknown : .normal
    }
    for added in json["added_tokens"]?.arrayValue ?? [] {
      guard let id = added["id"]?.intValue, let content = added["content"]?.stringValue,
        (0..<vocabularySize).contains(id)
      else { continue }
      tokens[id] = content
      if kinds[id] == .unknown || kinds[id] == .byte { continue }
      kinds[id] = added["special"]?.boolValue == true ? .control : .userDefined
    }
  }

  private func isByteToken(_ token: String) -> Bool {
    token.utf8.count == 6 && token.hasPrefix("<0x") && token.hasSuffix(">")
  }

  /// llama.cpp merges the pair of highest score first; the order of merges gives the scores back.
  private mutating func fillScores(_ merges: [[String]]) {
    var rank: [String: Int] = [:]
    for pair in merges where rank[pair[0] + pair[1]] == nil {
      rank[pair[0] + pair[1]] = rank.count
    }
    scores = zip(tokens, kinds).map { token, kind in
      switch kind {
      case .normal: -Float(rank[token] ?? rank.count)
      case .byte, .unknown, .control: 0
      default: -1000
      }
    }
  }

  private var addsSpacePrefix: Bool {
    if let flag = configuration["add_prefix_space"]?.boolValue { return flag }
    let steps = flatten(json["normalizer"], "normalizers")
    if steps.contains(where: { $0["type"]?.stringValue == "Prepend" }) { return true }
    let splitters = flatten(json["pre_tokenizer"], "pretokenizers")
    guard let space = splitters.first(where: { $0["type"]?.stringValue == "Metaspace" }) else {
      return false
    }
    if let scheme = space["prepend_scheme"]?.stringValue { return scheme != "never" }
    return space["add_prefix_space"]?.boolValue ?? true
  }
}

/// The steps of a Sequence, or the one step that there is.
func flatten(_ step: JSONValue?, _ list: String) -> [JSONValue] {
  guard let step, !step.isNull else { return [] }
  guard step["type"]?.stringValue == "Sequence" else { return [step] }
  return (step[list]?.arrayValue ?? []).flatMap { flatten($0, list) }
}

extension TokenizerExport {
  private func specialTokens() -> [(key: String, value: GGUFValue)] {
    var ids: [String: Int] = [:]
    for (id, token) in tokens.enumerated() where kinds[id] != .unused { ids[token] = id }
    var result: [(key: String, value: GGUFValue)] = []
    let names = [("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")]
    for (name, key) in names {
      let entry = configuration["\(name)_token"]
      let text = entry?.stringValue ?? entry?["content"]?.stringValue
      let stored = modelConfiguration["\(name)_token_id"]
      let fallback = stored?.intValue ?? stored?.arrayValue?.first?.intValue
      guard let id = text.flatMap({ ids[$0] }) ?? fallback, (0..<vocabularySize).contains(id)
      else { continue }
      result.append(("tokenizer.ggml.\(key)_token_id", .uint32(UInt32(id))))
    }
    for (name, isFirst) in [("bos", true), ("eos", false)] {
      guard let flag = addsToken(name, isFirst: isFirst) else { continue }
      result.append(("tokenizer.ggml.add_\(name)_token", .bool(flag)))
    }
    return result
  }

  /// Whether encoding adds the token: as tokenizer_config.json says, else as the template does.
  ///
  /// Nil where only the class of a Llama tokenizer knows; llama.cpp has the same default.
  private func addsToken(_ name: String, isFirst: Bool) -> Bool? {
    if let flag = configuration["add_\(name)_token"]?.boolValue { return flag }
    for step in flatten(json["post_processor"], "processors")
    where step["type"]?.stringValue == "TemplateProcessing" {
      let single = step["single"]?.arrayValue ?? []
      return (isFirst ? single.first : single.last)?["SpecialToken"] != nil
    }
    let isLlama = configuration["tokenizer_class"]?.stringValue?.hasPrefix("Llama") == true
    return isLlama ? nil : false
  }

  private func chatTemplates() -> [(key: String, value: GGUFValue)] {
    let stored = configuration["chat_template"]
    var result: [(key: String, value: GGUFValue)] = []
    var names: [String] = []
    for entry in stored?.arrayValue ?? [] {
      guard let name = entry["name"]?.stringValue, let text = entry["template"]?.stringValue
      else { continue }
      if name == "default" {
        result.append(("tokenizer.chat_template", .string(text)))
      } else {
        result.append(("tokenizer.chat_template.\(name)", .string(text)))
        names.append(name)
      }
    }
    if !names.isEmpty { result.append(("tokenizer.chat_templates", .strings(names))) }
    if result.isEmpty, let text = stored?.stringValue ?? template {
      result.append(("tokenizer.chat_template", .string(text)))
    }
    return result
  }
}
