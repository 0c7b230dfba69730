extension TensorNames {
  private static let bertLayerParts = [
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
  ]

  private static let bertParts = [
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
    "pooler.dense": "cls",
    "classifier": "cls.output",
  ]

  /// Old files call a norm's weight and bias gamma and beta.
  private static let bertSuffixes = [
    "weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias",
  ]

  /// The canonical name of one of BERT's tensors; nil for any other.
  static func bert(_ name: String) -> String? {
    var rest = name[...]
    if rest.hasPrefix("bert.") { rest = rest.dropFirst("bert.".count) }
    guard let dot = rest.lastIndex(of: "."),
      let suffix = bertSuffixes[String(rest[rest.index(after: dot)...])]
    else { return nil }
    rest = rest[..<dot]
    if let part = bertParts[String(rest)] { return "\(part).\(suffix)" }
    let layers = "encoder.layer."
    guard rest.hasPrefix(layers) else { return nil }
    let pieces = rest.dropFirst(layers.count).split(separator: ".", maxSplits: 1)
    guard pieces.count == 2, let layer = Int(pieces[0]), layer >= 0, pieces[0] == "\(layer)",
      let part = bertLayerParts[String(pieces[1])]
    else { return nil }
    return "blk.\(layer).\(part).\(suffix)"
  }

  /// Positions written out, and the heads of BERT's training tasks.
  static func isUnusedByBert(_ name: String) -> Bool {
    name.hasSuffix("embeddings.position_ids") || name.hasPrefix("cls.predictions.")
      || name.hasPrefix("cls.seq_relationship.")
  }
}
