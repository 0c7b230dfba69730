/// The canonical names of tensors (GGUF's) for the names that Hugging Face checkpoints use.
enum TensorNames {
  private static let layerParts = [
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
  ]

  private static let modelParts = [
    "embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output",
  ]

  /// The canonical name; nil for a name that no architecture here has.
  static func canonical(_ name: String) -> String? { decoder(name) ?? bert(name) }

  private static func decoder(_ name: String) -> String? {
    var rest = Substring(name)
    if rest.hasPrefix("model.") { rest = rest.dropFirst("model.".count) }
    guard let dot = rest.lastIndex(of: "."), let suffix = Suffix(rawValue: String(rest[dot...]))
    else { return nil }
    rest = rest[..<dot]
    if let part = modelParts[String(rest)] { return part + suffix.rawValue }
    guard rest.hasPrefix("layers.") else { return nil }
    let pieces = rest.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
    guard pieces.count == 3, let layer = Int(pieces[1]), layer >= 0, pieces[1] == "\(layer)",
      let part = layerParts[String(pieces[2])]
    else { return nil }
    return "blk.\(layer).\(part)\(suffix.rawValue)"
  }

  private enum Suffix: String {
    case weight = ".weight"
    case bias = ".bias"
  }

  /// Whether no model reads the tensor: it follows from the configuration, or belongs to BERT's training.
  static func isLeftOut(_ name: String) -> Bool {
    name.hasSuffix("rotary_emb.inv_freq") || isUnusedByBert(name)
  }
}
