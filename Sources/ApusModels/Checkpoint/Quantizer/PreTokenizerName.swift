import ApusCore

/// llama.cpp's name (`tokenizer.ggml.pre`) for the way a byte-level tokenizer cuts text into words.
package struct PreTokenizerName {
  package let name: String

  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let tail = #"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let word = #"|[^\r\n\p{L}\p{N}]?\p{L}+|"#
  private static let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
  private static let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
  private static let punctuation = #"| ?[^\s\p{L}\p{N}]+"#
  private static let slashTail = #"[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  private static func cased(_ suffix: String) -> String {
    let lead = #"[^\r\n\p{L}\p{N}]?"#
    return "\(lead)\(upper)*\(lower)+\(suffix)|\(lead)\(upper)+\(lower)*\(suffix)|"
  }

  /// By the expression of the tokenizer's Split step.
  private static let expressions: [String: String] = [
    contractions + word + #"\p{N}{1,3}"# + punctuation + tail: "llama-bpe",
    contractions + word + #"\p{N}"# + punctuation + tail: "qwen2",
    contractions + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+"# + tail:
      "qwen35",
    cased("") + #"\p{N}"# + punctuation + slashTail: "tekken",
    cased(contractions + "?") + #"\p{N}{1,3}"# + punctuation + slashTail: "gpt-4o",
    #"\s?\p{L}+"#: "deepseek-coder",
  ]

  package init(_ tokenizer: JSONValue, file: String) throws {
    let steps = flatten(tokenizer["pre_tokenizer"], "pretokenizers")
    let types = steps.map { $0["type"]?.stringValue ?? "" }
    let patterns = steps.compactMap { $0["pattern"]?["Regex"]?.stringValue }
    if let name = patterns.lazy.compactMap({ Self.expressions[$0] }).first {
      self.name = name
    } else if patterns.contains(where: { $0.hasPrefix(#"\s?[A-Za-zµÀ-ÖØ"#) }) {
      name = "deepseek-llm"
    } else if types == ["Digits", "ByteLevel"], steps[0]["individual_digits"]?.boolValue == true {
      name = "smollm"
    } else if types == ["ByteLevel"], steps[0]["use_regex"]?.boolValue != false {
      name = "gpt-2"
    } else {
      throw CheckpointError.invalidField(
        file: file, field: "pre_tokenizer",
        problem: "cuts words in a way that GGUF has no name for: \(patterns.first ?? "\(types)")")
    }
  }
}
