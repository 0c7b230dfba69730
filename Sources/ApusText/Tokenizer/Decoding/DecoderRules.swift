import ApusCore

/// The steps that turn pieces back into text, as `tokenizer.json` lists them.
enum DecoderStep {
  case replace([UInt8], with: [UInt8])
  case byteFallback
  case byteLevel
  /// The replacement character becomes a space; in the first token it goes, unless nothing was ever prepended.
  case metaspace([UInt8], dropsFirst: Bool)
  case wordPiece(prefix: [UInt8], cleanup: Bool)
  /// The suffix becomes a space, or nothing in the last token.
  case endOfWord([UInt8])
  case strip([UInt8], count: Int)
  case fuse
}

/// Where in a text a token stands.
enum TokenPlace { case first, middle, last }

extension TokenDecoder {
  /// - Parameters:
  ///   - verbatim: ids whose pieces are text as they stand, whatever the steps say.
  ///   - surfaces: ids that read as something else altogether.
  init(
    vocabulary: Vocabulary, steps: [DecoderStep], special: Set<TokenID>,
    verbatim: Set<TokenID> = [], surfaces: [TokenID: [UInt8]] = [:]
  ) {
    let fuse = steps.firstIndex { if case .fuse = $0 { true } else { false } } ?? steps.count
    let before = Array(steps[..<fuse])
    var stripped: (content: [UInt8], count: Int) = ([], 0)
    for case .strip(let content, let count) in steps[fuse...] { stripped = (content, count) }
    let joined = steps.isEmpty

    func bytes(_ id: TokenID, _ place: TokenPlace) -> [UInt8] {
      guard let piece = vocabulary.bytes(id) else { return [] }
      if let surface = surfaces[id] { return surface }
      if verbatim.contains(id) { return Array(piece) }
      if joined { return (place == .first ? [] : [0x20]) + piece }
      return before.reduce(Array(piece)) { $1.apply($0, place) }
    }
    let dependsOnFirst = joined || before.contains(where: \.dependsOnFirst)
    let dependsOnLast = before.contains(where: \.dependsOnLast)
    self.init(
      special: special, middle: Table(count: vocabulary.count) { bytes($0, .middle) },
      first: dependsOnFirst ? Table(count: vocabulary.count) { bytes($0, .first) } : nil,
      last: dependsOnLast ? Table(count: vocabulary.count) { bytes($0, .last) } : nil,
      stripped: stripped, unstripped: Set(surfaces.keys))
  }
}

extension DecoderStep {
  fileprivate var dependsOnFirst: Bool {
    switch self {
    case .metaspace, .wordPiece: true
    default: false
    }
  }

  fileprivate var dependsOnLast: Bool {
    if case .endOfWord = self { true } else { false }
  }

  fileprivate func apply(_ piece: [UInt8], _ place: TokenPlace) -> [UInt8] {
    switch self {
    case .replace(let literal, let content):
      return ByteSearch.replace(literal, with: content, in: piece)
    case .byteFallback: return Vocabulary.byteFallback(piece[...]).map { [$0] } ?? piece
    case .byteLevel: return ByteAlphabet.decode(piece) ?? piece
    case .metaspace(let replacement, let dropsFirst):
      let content: [UInt8] = place == .first && dropsFirst ? [] : [0x20]
      return ByteSearch.replace(replacement, with: content, in: piece)
    case .wordPiece(let prefix, let cleanup):
      var text = piece
      if place != .first {
        text = piece.starts(with: prefix) ? Array(piece.dropFirst(prefix.count)) : [0x20] + piece
      }
      return cleanup ? Self.clean(text) : text
    case .endOfWord(let suffix):
      return ByteSearch.replace(suffix, with: place == .last ? [] : [0x20], in: piece)
    case .strip(let content, let count):
      var text = piece[...]
      for _ in 0..<count where !content.isEmpty && text.starts(with: content) {
        text = text.dropFirst(content.count)
      }
      return Array(text)
    case .fuse: return piece
    }
  }

  private static let cleanups: [(String, String)] = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
    (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ]

  private static func clean(_ text: [UInt8]) -> [UInt8] {
    cleanups.reduce(text) {
      ByteSearch.replace(Array($1.0.utf8), with: Array($1.1.utf8), in: $0)
    }
  }

  /// Reads the `decoder` part of a `tokenizer.json`.
  static func make(_ fields: JSONFields, depth: Int = 0) throws -> [DecoderStep] {
    let type = try fields.type()
    switch type {
    case "Sequence":
      guard depth < 16 else {
        throw TokenizerError.malformed(field: fields.path, problem: "is nested too deeply")
      }
      return try (try fields.array("decoders") ?? []).flatMap {
        try make(JSONFields($0, "\(fields.path)[]"), depth: depth + 1)
      }
    case "ByteLevel": return [.byteLevel]
    case "ByteFallback": return [.byteFallback]
    case "Fuse": return [.fuse]
    case "Replace":
      guard case .literal(let literal) = try JSONPattern(fields) else {
        throw TokenizerError.unsupported(kind: "decoder", name: "Replace with a Regex")
      }
      return [.replace(literal, with: Array((try fields.string("content") ?? "").utf8))]
    case "Metaspace":
      let legacy = try fields.bool("add_prefix_space") ?? true ? "always" : "never"
      let scheme = try fields.string("prepend_scheme") ?? legacy
      let replacement = try fields.string("replacement") ?? "▁"
      return [.metaspace(Array(replacement.utf8), dropsFirst: scheme != "never")]
    case "WordPiece":
      let prefix = try fields.string("prefix") ?? "##"
      return [.wordPiece(prefix: Array(prefix.utf8), cleanup: try fields.bool("cleanup") ?? true)]
    case "BPEDecoder": return [.endOfWord(Array((try fields.string("suffix") ?? "</w>").utf8))]
    case "Strip":
      guard try fields.integer("stop") ?? 0 == 0 else {
        throw TokenizerError.unsupported(kind: "decoder", name: "Strip at the end")
      }
      let count = min(1024, max(0, try fields.integer("start") ?? 0))
      return [.strip(Array((try fields.string("content") ?? " ").utf8), count: count)]
    default: throw TokenizerError.unsupported(kind: "decoder", name: type)
    }
  }
}
