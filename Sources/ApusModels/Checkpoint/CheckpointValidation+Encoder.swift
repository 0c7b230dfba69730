extension CheckpointValidation {
  /// BERT's tensors, outside of the layers (nil) or in one of them.
  func expectedTensors(
    of encoder: EncoderConfiguration, inLayer layer: Int?
  ) -> [Expectation] {
    let shape = configuration.shape
    let (hidden, wide) = (configuration.hiddenSize, configuration.intermediateSize)
    func norm(_ name: String) -> [Expectation] {
      [(name + ".weight", [hidden], true), (name + ".bias", [hidden], true)]
    }
    func linear(
      _ name: String, _ rows: Int, _ columns: Int, isRequired: Bool = true
    ) -> [Expectation] {
      [(name + ".weight", [rows, columns], isRequired), (name + ".bias", [rows], isRequired)]
    }
    guard let layer else {
      // The pooler is read by a classifier only; files without one may hold it all the same.
      let labels: [Expectation] =
        encoder.labelCount.map { linear("cls.output", $0, hidden) } ?? []
      let types: [Expectation] = [
        ("token_types.weight", [encoder.tokenTypeCount, hidden], encoder.tokenTypeCount > 0)
      ]
      let embeddings: [Expectation] = [
        ("token_embd.weight", [shape.vocabularySize, hidden], true),
        ("position_embd.weight", [shape.contextLength, hidden], true),
      ]
      let pooler = linear("cls", hidden, hidden, isRequired: false)
      return [embeddings, types, norm("token_embd_norm"), pooler, labels].flatMap { $0 }
    }
    var parts: [Expectation] = []
    for name in ["attn_q", "attn_k", "attn_v", "attn_output"] {
      parts += linear(name, hidden, hidden)
    }
    parts += norm("attn_output_norm")
    parts += linear("ffn_up", wide, hidden)
    parts += linear("ffn_down", hidden, wide)
    parts += norm("layer_output_norm")
    return parts.map { ("blk.\(layer).\($0.name)", $0.shape, $0.isRequired) }
  }
}
