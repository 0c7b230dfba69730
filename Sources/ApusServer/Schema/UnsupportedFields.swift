import ApusCore

/// Fields of OpenAI, vLLM and llama-server that would change the answer and that this server does not implement.
///
/// To drop one silently would give another answer than the client asked for.
enum UnsupportedFields {
  /// Refuses those that are present and not set to a value that means nothing.
  static func check(_ fields: FieldReader) throws {
    for (name, neutral) in all {
      guard let value = fields.value(name), !neutral.contains(where: { isSame($0, value) }) else {
        continue
      }
      if case .object(let object) = value, object.count == 0 { continue }
      if case .array(let elements) = value, elements.isEmpty { continue }
      throw fields.unsupported(name)
    }
    try checkResponseFormat(fields)
    if let extensions = try fields.object("apus"),
      let name = extensions.keys.first(where: { !Self.extensions.contains($0) })
    {
      let nested = FieldReader(extensions, prefix: "apus.")
      let known = Self.extensions.map { "'\($0)'" }.joined(separator: ", ")
      throw nested.invalid(name, "is not known; this version knows \(known)")
    }
  }

  /// The fields of 'apus' that are read.
  private static let extensions = ["deadline_ms", "kv_policy", "select"]

  /// Each with the values under which it does nothing.
  private static let all: [(String, [JSONValue])] = [
    ("functions", []), ("function_call", ["none", "auto"]), ("audio", []),
    ("modalities", [["text"]]), ("web_search_options", []), ("grammar", [""]),
    ("json_schema", []), ("guided_json", []), ("guided_regex", [""]), ("guided_choice", []),
    ("guided_grammar", [""]), ("structured_outputs", []), ("use_beam_search", [false]),
    ("length_penalty", [1]), ("early_stopping", [false]), ("bad_words", []),
    ("allowed_token_ids", []), ("truncate_prompt_tokens", []), ("logits_processors", []),
    ("include_stop_str_in_output", [false]), ("continue_final_message", [false]),
    ("chat_template", []), ("documents", []), ("lora", []), ("mirostat", [0]),
    ("dry_multiplier", [0]), ("xtc_probability", [0]), ("dynatemp_range", [0]),
    ("top_n_sigma", [-1, 0]), ("samplers", []), ("image_data", []), ("n_keep", [0]),
    ("n_indent", [0]), ("t_max_predict_ms", [0]), ("kv_transfer_params", []),
    ("mm_processor_kwargs", []), ("repetition_detection", []), ("prompt_embeds", []),
    ("store", [false]), ("moderation", []), ("thinking_budget_tokens", [-1]),
  ]

  /// 0 and 0.0 are the same number.
  private static func isSame(_ a: JSONValue, _ b: JSONValue) -> Bool {
    if let a = a.doubleValue, let b = b.doubleValue { return a == b }
    return a == b
  }

  private static func checkResponseFormat(_ fields: FieldReader) throws {
    guard let format = try fields.object("response_format") else { return }
    let nested = FieldReader(format, prefix: "response_format.")
    guard let type = try nested.string("type") else {
      throw nested.invalid("type", "is missing")
    }
    guard type == "text" else {
      throw fields.unsupported("response_format", "of type '\(type)' is not supported")
    }
  }
}
