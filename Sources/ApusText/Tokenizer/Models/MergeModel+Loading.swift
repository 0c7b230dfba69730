import ApusCore

/// One entry of a list of merges.
enum MergeEntry {
  /// Two pieces with a space between; either may hold spaces of its own.
  case joined([UInt8])
  case pair([UInt8], [UInt8])
}

extension MergeModel {
  /// Builds a model from a vocabulary and merges as written in a file.
  ///
  /// - Parameters:
  ///   - strict: a merge whose parts or result are no pieces is an error; else it is left out.
  init(
    entries: [(piece: [UInt8], id: Int)], vocabulary: Vocabulary, merges: [MergeEntry],
    options: Options, strict: Bool
  ) throws {
    var table = PairTable(capacity: merges.count)
    for (rank, entry) in merges.enumerated() {
      guard let (left, right, result) = Self.resolve(entry, vocabulary, options.continuingPrefix)
      else {
        if strict { throw Self.error(entry, rank) }
        continue
      }
      table.insert(left, right, rank: UInt32(rank), result: result, overwrite: strict)
    }
    guard options.byteLevel else {
      self.init(vocabulary: vocabulary, merges: table, options: options)
      return
    }
    // The model sees raw bytes, so its own vocabulary is spelt in them.
    var raw = Vocabulary()
    raw.reserve(entries.count)
    for entry in entries {
      guard let piece = ByteAlphabet.decode(entry.piece) else { continue }
      try raw.insert(piece, id: entry.id, entries: entries.count)
    }
    self.init(vocabulary: raw, merges: table, options: options)
  }

  private static func resolve(
    _ entry: MergeEntry, _ vocabulary: Vocabulary, _ continuingPrefix: [UInt8]
  ) -> (TokenID, TokenID, TokenID)? {
    switch entry {
    case .pair(let left, let right): return resolve(left, right, vocabulary, continuingPrefix)
    case .joined(let text):
      // With more than one space in the entry, the parts are those that are pieces.
      for index in text.indices where text[index] == 0x20 && index > 0 && index + 1 < text.count {
        let left = Array(text[..<index])
        let right = Array(text[(index + 1)...])
        if let found = resolve(left, right, vocabulary, continuingPrefix) { return found }
      }
      return nil
    }
  }

  private static func resolve(
    _ left: [UInt8], _ right: [UInt8], _ vocabulary: Vocabulary, _ continuingPrefix: [UInt8]
  ) -> (TokenID, TokenID, TokenID)? {
    guard let leftID = vocabulary.id(of: left), let rightID = vocabulary.id(of: right) else {
      return nil
    }
    let tail =
      !continuingPrefix.isEmpty && right.starts(with: continuingPrefix)
      ? Array(right.dropFirst(continuingPrefix.count)) : right
    guard let result = vocabulary.id(of: left + tail) else { return nil }
    return (leftID, rightID, result)
  }

  private static func error(_ entry: MergeEntry, _ rank: Int) -> TokenizerError {
    let text: [UInt8]
    switch entry {
    case .joined(let joined): text = joined
    case .pair(let left, let right): text = left + [0x20] + right
    }
    let shown = String(decoding: text.prefix(80), as: UTF8.self)
    return .malformed(
      field: "merges", problem: "entry \(rank) '\(shown)' does not join two pieces into a third")
  }
}
