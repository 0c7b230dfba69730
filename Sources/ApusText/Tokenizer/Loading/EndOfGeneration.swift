import ApusCore

/// Finds the tokens after which a model stops, by role and by name.
enum EndOfGeneration {
  private static let names = [
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
    "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
    "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
    "<｜end▁of▁sentence｜>", "[e~[",
  ]

  /// Fill-in-the-middle tokens that end a generated span.
  private static let spanNames = [
    "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>",
    "<|file_sep|>",
  ]

  static func ids(_ vocabulary: Vocabulary, roles: SpecialTokens) -> Set<TokenID> {
    var found: [String: TokenID] = [:]
    for name in names + spanNames { found[name] = vocabulary.id(of: name) }
    // Where a message may end without the turn being over, `<|end|>` only ends the message.
    let ends = [("<|return|>", "<|call|>"), ("<|calls|>", "<|flush|>")]
    if ends.contains(where: { found[$0.0] != nil && found[$0.1] != nil }) { found["<|end|>"] = nil }
    if found["<|tool_response>"] != nil { found["</s>"] = nil }
    var ids = Set(found.values)
    if let eos = roles.eos { ids.insert(eos) }
    return ids
  }
}
