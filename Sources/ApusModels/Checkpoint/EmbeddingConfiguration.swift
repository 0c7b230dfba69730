import ApusCore
import Foundation

/// What a model's files say about making vectors of texts.
public struct EmbeddingConfiguration: Sendable, Equatable {
  /// nil where the files do not say.
  public var pooling: Pooling?
  /// Whether vectors have length 1.
  public var normalizes = true
  /// The longest text in tokens that the model was made for; nil means as long as it can read.
  public var maxLength: Int?
  /// Whether a vector's first numbers are a vector of their own (Matryoshka, arXiv:2205.13147).
  public var isMatryoshka = false
  /// The lengths at which they are; empty means at any.
  public var matryoshkaDimensions: [Int] = []
  /// Whether a cross-encoder's score is the sigmoid of its output.
  public var appliesSigmoid = true

  public init() {}

  /// Reads a GGUF file's `pooling_type`, or the files of sentence-transformers beside the weights.
  ///
  /// Throws `CheckpointError` for a pooling or a module that is not supported.
  public init(_ checkpoint: Checkpoint) throws {
    switch checkpoint.format {
    case .gguf: try readMetadata(checkpoint)
    case .safetensors: try readFiles(checkpoint)
    }
  }

  private mutating func readMetadata(_ checkpoint: Checkpoint) throws {
    let architecture = checkpoint.metadata["general.architecture"]?.stringValue ?? ""
    let key = "\(architecture).pooling_type"
    switch checkpoint.metadata[key]?.intValue {
    case nil, 0, 4: break  // not said, none, or a cross-encoder's
    case 1: pooling = .mean
    case 2: pooling = .cls
    case 3: pooling = .last
    case .some(let type):
      throw CheckpointError.invalidField(
        file: checkpoint.path, field: key, problem: "is \(type), which is not supported")
    }
  }

  private mutating func readFiles(_ checkpoint: Checkpoint) throws {
    let folder = URL(filePath: checkpoint.path).deletingLastPathComponent()
    func reader(_ name: String) throws -> ConfigurationReader? {
      let path = folder.appending(path: name).path
      guard FileManager.default.fileExists(atPath: path) else { return nil }
      return ConfigurationReader(json: try readJSON(path), file: path)
    }
    if let config = try reader("config.json") { try readModel(config) }
    if let sentence = try reader("sentence_bert_config.json"),
      sentence.value("max_seq_length") != nil
    {
      maxLength = try sentence.size("max_seq_length", limit: SizeLimit.context)
    }
    guard let modules = try reader("modules.json") else {
      if let pooling = try reader("1_Pooling/config.json") { try readPooling(pooling) }
      return
    }
    normalizes = false
    for module in modules.json.arrayValue ?? [] {
      let type = module["type"]?.stringValue ?? ""
      switch type.split(separator: ".").last {
      case "Transformer": break
      case "Pooling":
        let path = module["path"]?.stringValue ?? "1_Pooling"
        guard !path.contains(".."), let pooling = try reader(path + "/config.json") else {
          throw modules.invalid("path", "names no pooling module: '\(path)'")
        }
        try readPooling(pooling)
      case "Normalize": normalizes = true
      default: throw modules.invalid("type", "is '\(type)', a module that is not supported")
      }
    }
  }

  private mutating func readModel(_ config: ConfigurationReader) throws {
    if let dimensions = config.value("matryoshka_dimensions") {
      guard let sizes = dimensions.arrayValue?.compactMap(\.intValue), !sizes.isEmpty else {
        throw config.invalid("matryoshka_dimensions", "is no list of integers")
      }
      (isMatryoshka, matryoshkaDimensions) = (true, sizes)
    }
    if try config.flag("is_matryoshka", default: false) { isMatryoshka = true }
    // Where sentence-transformers keeps a cross-encoder's activation, new and old.
    let activation =
      config.value("sentence_transformers")?["activation_fn"]?.stringValue
      ?? config.value("sbert_ce_default_activation_function")?.stringValue
    switch activation?.split(separator: ".").last {
    case nil, "Sigmoid": appliesSigmoid = true
    case "Identity": appliesSigmoid = false
    case .some(let name):
      throw config.invalid("activation_fn", "is '\(name)'; Sigmoid and Identity are supported")
    }
  }

  private mutating func readPooling(_ reader: ConfigurationReader) throws {
    if let name = try reader.string("pooling_mode") {
      let names: [String: Pooling] = ["mean": .mean, "cls": .cls, "lasttoken": .last]
      guard let pooling = names[name] else {
        throw reader.invalid("pooling_mode", "is '\(name)', which is not supported")
      }
      self.pooling = pooling
      return
    }
    let modes: [(field: String, pooling: Pooling?)] = [
      ("pooling_mode_cls_token", .cls), ("pooling_mode_mean_tokens", .mean),
      ("pooling_mode_lasttoken", .last), ("pooling_mode_max_tokens", nil),
      ("pooling_mode_mean_sqrt_len_tokens", nil), ("pooling_mode_weightedmean_tokens", nil),
    ]
    let chosen = try modes.filter { try reader.flag($0.field, default: false) }
    guard chosen.count == 1, let pooling = chosen[0].pooling else {
      let names = chosen.map(\.field).joined(separator: ", ")
      throw reader.invalid(
        "pooling_mode",
        "is \(names.isEmpty ? "none" : names): one of cls, mean and last is supported")
    }
    self.pooling = pooling
  }
}
