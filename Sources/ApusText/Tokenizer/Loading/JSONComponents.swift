import ApusCore

/// Builds normalisers from the `normalizer` part of a `tokenizer.json`.
enum JSONNormalizer {
  static func make(_ fields: JSONFields, depth: Int = 0) throws -> Normalizer {
    let type = try fields.type()
    switch type {
    case "Sequence":
      guard depth < 16 else {
        throw TokenizerError.malformed(field: fields.path, problem: "is nested too deeply")
      }
      let items = try fields.array("normalizers") ?? []
      guard items.count <= 64 else {
        throw TokenizerError.malformed(field: fields.path, problem: "has more than 64 steps")
      }
      return .sequence(
        try items.map { try make(JSONFields($0, "\(fields.path)[]"), depth: depth + 1) })
    case "NFC", "NFD", "NFKC", "NFKD":
      return .unicode(UnicodeNormalization.Form(rawValue: type) ?? .nfc)
    case "Prepend":
      return .prepend(Array((try fields.string("prepend") ?? "").utf8))
    case "Replace":
      let content = Array((try fields.string("content") ?? "").utf8)
      switch try JSONPattern(fields) {
      case .literal(let literal): return .replaceLiteral(literal, with: content)
      case .regex(let regex): return .replacePattern(try PatternAutomaton(regex), with: content)
      }
    case "Lowercase": return .lowercase
    case "Strip":
      return .strip(
        left: try fields.bool("strip_left") ?? true, right: try fields.bool("strip_right") ?? true)
    case "StripAccents": return .stripAccents
    case "Nmt": return .nmt
    case "BertNormalizer":
      let lowercases = try fields.bool("lowercase") ?? true
      return .bert(
        BertNormalizer(
          cleansText: try fields.bool("clean_text") ?? true,
          spacesChinese: try fields.bool("handle_chinese_chars") ?? true,
          stripsAccents: try fields.bool("strip_accents") ?? lowercases, lowercases: lowercases))
    case "Precompiled":
      let text = try fields.string("precompiled_charsmap") ?? ""
      guard let data = Base64.decode(text.utf8) else {
        throw TokenizerError.malformed(field: "precompiled_charsmap", problem: "is not base64")
      }
      return data.isEmpty ? .sequence([]) : .charsmap(try Charsmap(data))
    case "ByteLevel": return .byteLevel
    default: throw TokenizerError.unsupported(kind: "normalizer", name: type)
    }
  }
}

/// A `pattern` field: `{"String": …}` or `{"Regex": …}`.
enum JSONPattern {
  case literal([UInt8])
  case regex(String)

  init(_ fields: JSONFields) throws {
    let pattern = try fields.required("pattern")
    if let text = pattern.stringValue ?? pattern["String"]?.stringValue {
      self = .literal(Array(text.utf8))
    } else if let text = pattern["Regex"]?.stringValue {
      self = .regex(text)
    } else {
      throw TokenizerError.malformed(
        field: "\(fields.path).pattern", problem: "is neither String nor Regex")
    }
  }
}

/// Builds pre-tokenisers from the `pre_tokenizer` part of a `tokenizer.json`.
enum JSONPreTokenizer {
  static func make(_ fields: JSONFields) throws -> PreTokenizer {
    var names: [String] = []
    var steps = try steps(fields, names: &names, depth: 0)
    // Bytes stay bytes unless a later step looks at them as characters.
    let mapped = steps.indices.filter { steps[$0].mapsBytes }
    guard mapped.count < 2 else {
      throw TokenizerError.unsupported(kind: "pre-tokenizer", name: "more than one ByteLevel")
    }
    if let index = mapped.first {
      if index == steps.count - 1 { steps.removeLast() } else { steps.append(.unmapBytes) }
    }
    return PreTokenizer(
      name: names.joined(separator: "+"), steps: steps, isByteLevel: !mapped.isEmpty)
  }

  private static func steps(
    _ fields: JSONFields, names: inout [String], depth: Int
  ) throws -> [PreTokenizer.Step] {
    let type = try fields.type()
    if type == "Sequence" {
      guard depth < 16 else {
        throw TokenizerError.malformed(field: fields.path, problem: "is nested too deeply")
      }
      var all: [PreTokenizer.Step] = []
      for item in try fields.array("pretokenizers") ?? [] {
        guard names.count < 64 else {
          throw TokenizerError.malformed(field: fields.path, problem: "has more than 64 steps")
        }
        all += try steps(JSONFields(item, "\(fields.path)[]"), names: &names, depth: depth + 1)
      }
      return all
    }
    names.append(type)
    switch type {
    case "ByteLevel":
      var steps: [PreTokenizer.Step] =
        try fields.bool("add_prefix_space") ?? true ? [.prefixSpace] : []
      if try fields.bool("use_regex") ?? true {
        steps.append(try PatternCatalog.isolated(PatternCatalog.gpt2))
      }
      return steps + [.mapBytes]
    case "Metaspace": return [try metaspace(fields)]
    case "Split": return [try split(fields)]
    case "Digits":
      return [
        try pattern(
          #"\p{Numeric}"#, try fields.bool("individual_digits") ?? false ? .isolated : .contiguous)
      ]
    case "Punctuation":
      return [.split(try punctuation(), try behavior(fields) ?? .isolated, inverted: false)]
    case "Whitespace":
      return [
        .split(try PatternAutomaton(#"\p{RustWord}+|[^\p{RustWord}\s]+"#), .removed, inverted: true)
      ]
    case "WhitespaceSplit": return [try pattern(#"\s"#, .removed)]
    case "BertPreTokenizer":
      return [try pattern(#"\s"#, .removed), .split(try punctuation(), .isolated, inverted: false)]
    case "CharDelimiterSplit":
      return [
        .splitLiteral(Array((try fields.string("delimiter") ?? "").utf8), .removed, inverted: false)
      ]
    case "FixedLength": return [.fixedLength(max(1, try fields.integer("length") ?? 5))]
    default: throw TokenizerError.unsupported(kind: "pre-tokenizer", name: type)
    }
  }

  private static func punctuation() throws -> PatternAutomaton {
    try PatternAutomaton(#"\p{BertPunctuation}"#)
  }

  private static func pattern(
    _ source: String, _ behavior: SplitBehavior
  ) throws -> PreTokenizer.Step {
    .split(try PatternAutomaton(source), behavior, inverted: false)
  }

  private static func behavior(_ fields: JSONFields) throws -> SplitBehavior? {
    guard let name = try fields.string("behavior") else { return nil }
    let plain = name.lowercased().replacing("_", with: "")
    let all: [SplitBehavior] = [
      .removed, .isolated, .mergedWithPrevious, .mergedWithNext, .contiguous,
    ]
    guard let behavior = all.first(where: { $0.rawValue.lowercased() == plain }) else {
      throw TokenizerError.unsupported(kind: "split behavior", name: name)
    }
    return behavior
  }

  private static func split(_ fields: JSONFields) throws -> PreTokenizer.Step {
    let behavior = try behavior(fields) ?? .isolated
    let inverted = try fields.bool("invert") ?? false
    switch try JSONPattern(fields) {
    case .literal(let literal): return .splitLiteral(literal, behavior, inverted: inverted)
    case .regex(let regex):
      if behavior == .isolated { return try PatternCatalog.isolated(regex) }
      return .split(try PatternAutomaton(regex), behavior, inverted: inverted)
    }
  }

  private static func metaspace(_ fields: JSONFields) throws -> PreTokenizer.Step {
    let replacement = try fields.string("replacement") ?? "▁"
    let legacy = try fields.bool("add_prefix_space") ?? true ? "always" : "never"
    let name = try fields.string("prepend_scheme") ?? legacy
    guard let scheme = PrependScheme(rawValue: name) else {
      throw TokenizerError.unsupported(kind: "prepend scheme", name: name)
    }
    return .metaspace(
      replacement: Array(replacement.utf8), scheme, splits: try fields.bool("split") ?? true)
  }
}

extension PreTokenizer.Step {
  fileprivate var mapsBytes: Bool { if case .mapBytes = self { true } else { false } }
}
