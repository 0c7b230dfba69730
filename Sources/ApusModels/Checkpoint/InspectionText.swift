import ApusCore

extension Inspection {
  /// The whole as text for a terminal; `listsTensors` adds one line a tensor.
  public func text(listsTensors: Bool = true) -> String {
    var lines = ["file: \(path)", "format: \(format)"]
    lines += summary.map { "\($0.key): \(Self.plain($0.value))" }
    lines.append("parameters: \(parameterCount)")
    lines.append("weights: \(ByteCount(byteCount)) in \(tensors.count) tensors")
    if !tokenizer.isEmpty {
      lines += ["", "tokenizer"]
      lines += tokenizer.map { "  \($0.key): \(Self.plain($0.value))" }
    }
    if !metadata.isEmpty {
      lines += ["", "metadata"]
      lines += metadata.map { "  \(CheckpointError.line($0.key)) = \($0.value.text)" }
    }
    lines += ["", "types"]
    lines += Self.table(
      [["type", "tensors", "parameters", "size"]]
        + totals.map {
          [$0.type, "\($0.tensorCount)", "\($0.parameterCount)", "\(ByteCount($0.byteCount))"]
        })
    if listsTensors {
      lines += ["", "tensors"]
      lines += Self.table(
        tensors.map {
          [
            CheckpointError.line($0.name), $0.type,
            $0.shape.map { "\($0)" }.joined(separator: " × "), "\(ByteCount($0.byteCount))",
          ]
        })
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The whole as one JSON object.
  public var json: JSONValue {
    .object(
      JSONObject([
        ("file", .string(path)), ("format", .string(format)),
        ("configuration", .object(JSONObject(summary))),
        ("parameter_count", .integer(Int64(parameterCount))),
        ("byte_count", .integer(Int64(byteCount))),
        ("tokenizer", .object(JSONObject(tokenizer))),
        ("metadata", .object(JSONObject(metadata))),
        (
          "types",
          .array(
            totals.map {
              [
                "type": .string($0.type), "tensor_count": .integer(Int64($0.tensorCount)),
                "parameter_count": .integer(Int64($0.parameterCount)),
                "byte_count": .integer(Int64($0.byteCount)),
              ]
            })
        ),
        (
          "tensors",
          .array(
            tensors.map {
              [
                "name": .string($0.name), "type": .string($0.type),
                "shape": .array($0.shape.map { .integer(Int64($0)) }),
                "byte_count": .integer(Int64($0.byteCount)),
              ]
            })
        ),
      ]))
  }

  private var summary: [(key: String, value: JSONValue)] {
    let shape = configuration.shape
    let rope = configuration.rope
    func number(_ value: Int) -> JSONValue { .integer(Int64(value)) }
    var result: [(key: String, value: JSONValue)] = [
      ("name", .string(configuration.name)),
      ("architecture", .string(configuration.architecture)),
      ("layers", number(shape.layerCount)),
      ("hidden_size", number(configuration.hiddenSize)),
      ("intermediate_size", number(configuration.intermediateSize)),
      ("heads", number(shape.headCount)),
      ("kv_heads", number(shape.kvHeadCount)),
      ("head_dimension", number(shape.headDimension)),
      ("vocabulary_size", number(shape.vocabularySize)),
      ("context_length", number(shape.contextLength)),
      ("tied_embeddings", .bool(configuration.tiedEmbeddings)),
      ("norm_epsilon", .number(Double("\(configuration.normEpsilon)") ?? 0)),
      ("rope_base", .number(rope.base)),
      ("rope_dimension", number(rope.dimension)),
      ("rope_scaling", .string(rope.scaling.name)),
    ]
    if !rope.unrotatedLayers.isEmpty {
      result.append(("unrotated_layers", .array(rope.unrotatedLayers.sorted().map(number))))
    }
    if let window = configuration.slidingWindow {
      result.append(("sliding_window", number(window)))
    }
    return result
  }

  /// A string without quotes and in one line; everything else as JSON.
  private static func plain(_ value: JSONValue) -> String {
    value.stringValue.map(CheckpointError.line) ?? value.text
  }

  /// Rows of cells as lines, the columns side by side.
  private static func table(_ rows: [[String]]) -> [String] {
    let columns = rows.first?.count ?? 0
    let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }
      var line = "  " + cells.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}

extension RopeConfiguration.Scaling {
  /// The kind with its factors, for people.
  var name: String {
    switch self {
    case .none: "none"
    case .linear(let factor): "linear × \(factor)"
    case .ntk(let factor): "ntk × \(factor)"
    case .dynamic(let factor, let original): "dynamic × \(factor) beyond \(original)"
    case .yarn(let factor, let original, _, _, _, _, _, _): "yarn × \(factor) beyond \(original)"
    case .llama3(let factor, _, _, let original): "llama3 × \(factor) beyond \(original)"
    case .longRope(_, _, let original, _, _): "longrope beyond \(original)"
    case .divisors: "divisors from rope_freqs.weight"
    }
  }
}
