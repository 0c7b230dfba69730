import ApusCompute
import ApusCore

/// What `apus inspect` shows about a checkpoint.
public struct Inspection: Sendable {
  /// The tensors of one type.
  public struct TypeTotal: Sendable, Equatable {
    public let type: String
    public let tensorCount: Int
    public let parameterCount: Int
    public let byteCount: Int
  }

  public struct Tensor: Sendable, Equatable {
    public let name: String
    public let type: String
    /// Outermost first.
    public let shape: [Int]
    public let byteCount: Int
  }

  public let path: String
  public let format: String
  public let configuration: ModelConfiguration
  /// Key and value, sorted by key; long arrays are cut.
  public let metadata: [(key: String, value: JSONValue)]
  /// Sorted by layer and name.
  public let tensors: [Tensor]
  /// The type with most bytes first.
  public let totals: [TypeTotal]
  /// Where the tokenizer comes from: file names, or the kind that the metadata names.
  public let tokenizer: [(key: String, value: JSONValue)]

  public init(_ checkpoint: Checkpoint) {
    path = checkpoint.path
    format = checkpoint.format.description
    configuration = checkpoint.configuration
    metadata = checkpoint.metadata.sorted { $0.key < $1.key }
      .map { ($0.key, $0.value.abbreviated) }
    let stored = checkpoint.tensors.values.sorted {
      canonicalOrder($0.name) < canonicalOrder($1.name)
    }
    tensors = stored.map {
      Tensor(name: $0.name, type: $0.type.name, shape: $0.shape, byteCount: $0.byteCount)
    }
    totals = Dictionary(grouping: stored, by: \.type).map { type, group in
      TypeTotal(
        type: type.name, tensorCount: group.count,
        parameterCount: group.reduce(0) { $0 + $1.elementCount },
        byteCount: group.reduce(0) { $0 + $1.byteCount })
    }.sorted { ($1.byteCount, $0.type) < ($0.byteCount, $1.type) }
    tokenizer = Self.describe(checkpoint.tokenizerSource)
  }

  public var parameterCount: Int { totals.reduce(0) { $0 + $1.parameterCount } }
  public var byteCount: Int { totals.reduce(0) { $0 + $1.byteCount } }

  private static func describe(
    _ source: Checkpoint.TokenizerSource
  ) -> [(key: String, value: JSONValue)] {
    switch source {
    case .metadata(let metadata):
      let tokens = metadata["tokenizer.ggml.tokens"]?.stringsValue?.count
      return [
        ("model", metadata["tokenizer.ggml.model"]?.abbreviated),
        ("pre", metadata["tokenizer.ggml.pre"]?.abbreviated),
        ("tokens", tokens.map { .integer(Int64($0)) }),
        ("chat_template", metadata["tokenizer.chat_template"]?.stringValue.map { .string($0) }),
      ].compactMap { pair in pair.1.map { (pair.0, $0) } }
    case .files(let json, let config, let vocabulary, let merges, let pieces, let template):
      return [
        ("tokenizer.json", json), ("tokenizer_config.json", config), ("vocab.json", vocabulary),
        ("merges.txt", merges), ("tokenizer.model", pieces), ("chat_template.jinja", template),
      ].compactMap { pair in pair.1.map { (pair.0, .string($0)) } }
    }
  }
}

/// The embedding first, then the layers in order, then the rest.
func canonicalOrder(_ name: String) -> (Int, String) {
  let parts = name.split(separator: ".")
  guard let first = parts.first else { return (Int.max, name) }
  if first == "blk", parts.count > 1, let layer = Int(parts[1]) { return (layer, name) }
  return (first == "token_embd" || first.hasPrefix("rope_") ? -1 : Int.max, name)
}

extension MetadataValue {
  private static var shownElements: Int { 6 }
  private static var shownScalars: Int { 200 }

  /// The value as JSON; of a long array its first elements and its length, of a long text its beginning.
  package var abbreviated: JSONValue {
    switch self {
    case .bool(let value): .bool(value)
    case .integer(let value): .integer(value)
    case .unsigned(let value): Int64(exactly: value).map { .integer($0) } ?? .string("\(value)")
    case .number(let value): value.isFinite ? .number(shortest(value)) : .string("\(value)")
    case .string(let value): .string(Self.cut(value))
    case .bools(let values): Self.cut(values) { .bool($0) }
    case .integers(let values): Self.cut(values) { .integer($0) }
    case .numbers(let values): Self.cut(values) { .number(shortest(Double($0))) }
    case .strings(let values): Self.cut(values) { .string(Self.cut($0)) }
    }
  }

  private static func cut<T>(_ values: [T], _ convert: (T) -> JSONValue) -> JSONValue {
    let shown = values.prefix(shownElements).map(convert)
    guard values.count > shownElements else { return .array(shown) }
    return .array(shown + [.string("… \(values.count) in all")])
  }

  private static func cut(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard scalars.count > shownScalars else { return text }
    return String(String.UnicodeScalarView(scalars.prefix(shownScalars))) + "… (\(scalars.count))"
  }
}

/// A number that was stored with 32 bits, without the digits that 64 bits add.
private func shortest(_ value: Double) -> Double {
  let narrow = Float(value)
  return Double(narrow) == value ? Double("\(narrow)") ?? value : value
}
