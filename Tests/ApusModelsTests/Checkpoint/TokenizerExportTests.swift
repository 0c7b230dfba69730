import ApusCore
import ApusModels
import Testing

@Suite(.serialized) struct TokenizerExportTests {
  /// The metadata for a tokenizer.json of these fields.
  private func export(
    _ tokenizer: JSONValue, config: JSONValue = [:], model: JSONValue = [:], size: Int = 8,
    template: String? = nil
  ) throws -> [String: GGUFValue] {
    let folder = try TemporaryFolder()
    var export = try TokenizerExport(
      tokenizerJSON: try folder.write(tokenizer.utf8, "tokenizer.json"),
      tokenizerConfig: try folder.write(config.utf8, "tokenizer_config.json"),
      chatTemplate: try template.map { try folder.write($0, "chat_template.jinja") },
      modelConfiguration: model, vocabularySize: size)
    return Dictionary(uniqueKeysWithValues: try export.metadata().map { ($0.key, $0.value) })
  }

  private let byteLevel: JSONValue = [
    "model": [
      "type": "BPE", "vocab": ["a": 0, "b": 1, "ab": 2, "aba": 3], "merges": ["a b", ["ab", "a"]],
    ],
    "pre_tokenizer": ["type": "ByteLevel"],
    "added_tokens": [
      ["id": 4, "content": "<s>", "special": true],
      ["id": 5, "content": "<tool>", "special": false],
      ["id": 99, "content": "<far>", "special": true],
    ],
    "post_processor": [
      "type": "TemplateProcessing",
      "single": [["SpecialToken": ["id": "<s>"]], ["Sequence": ["id": "A"]]],
    ],
  ]

  @Test func writesByteLevelTokenizers() throws {
    let result = try export(
      byteLevel, config: ["bos_token": ["content": "<s>"], "chat_template": "hi"],
      model: ["eos_token_id": [3, 2]], template: "other")
    #expect(
      result == [
        "tokenizer.ggml.model": .string("gpt2"), "tokenizer.ggml.pre": .string("gpt-2"),
        "tokenizer.ggml.tokens": .strings([
          "a", "b", "ab", "aba", "<s>", "<tool>", "[PAD6]", "[PAD7]",
        ]),
        "tokenizer.ggml.token_type": .int32s([1, 1, 1, 1, 3, 4, 5, 5]),
        "tokenizer.ggml.merges": .strings(["a b", "ab a"]),
        "tokenizer.ggml.bos_token_id": .uint32(4), "tokenizer.ggml.eos_token_id": .uint32(3),
        "tokenizer.ggml.add_bos_token": .bool(true), "tokenizer.ggml.add_eos_token": .bool(false),
        "tokenizer.chat_template": .string("hi"),
      ])
  }

  @Test func writesNamedTemplates() throws {
    let templates: JSONValue = [
      ["name": "default", "template": "d"], ["name": "tool_use", "template": "t"],
    ]
    let result = try export(byteLevel, config: ["chat_template": templates])
    #expect(result["tokenizer.chat_template"] == .string("d"))
    #expect(result["tokenizer.chat_template.tool_use"] == .string("t"))
    #expect(result["tokenizer.chat_templates"] == .strings(["tool_use"]))
    #expect(try export(byteLevel, template: "own")["tokenizer.chat_template"] == .string("own"))
  }

  @Test func writesSentencePieceTokenizers() throws {
    let result = try export(
      [
        "model": [
          "type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
          "vocab": ["<unk>": 0, "<0x0A>": 1, "▁": 2, "a": 3, "▁a": 4, " ": 5, "  ": 6],
          "merges": ["▁ a", "   "],
        ],
        "normalizer": ["type": "Sequence", "normalizers": [["type": "Prepend", "prepend": "▁"]]],
        "added_tokens": [["id": 0, "content": "<unk>", "special": true]],
      ], config: ["add_bos_token": true, "unk_token": "<unk>"])
    #expect(result["tokenizer.ggml.model"] == .string("llama"))
    #expect(result["tokenizer.ggml.pre"] == .string("default"))
    #expect(result["tokenizer.ggml.token_type"] == .int32s([2, 6, 1, 1, 1, 1, 1, 5]))
    #expect(result["tokenizer.ggml.scores"] == .float32s([0, 0, -2, -2, 0, -2, -1, -1000]))
    #expect(result["tokenizer.ggml.add_space_prefix"] == .bool(true))
    #expect(result["tokenizer.ggml.add_bos_token"] == .bool(true))
    #expect(result["tokenizer.ggml.unknown_token_id"] == .uint32(0))
    #expect(result["tokenizer.ggml.merges"] == nil)
  }

  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let tail = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  @Test(arguments: [
    (
      "llama-bpe",
      contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"# + tail
    ), ("qwen2", contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + tail),
    (
      "tekken",
      #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    ),
  ])
  func namesPreTokenizers(name: String, expression: String) throws {
    let tokenizer: JSONValue = [
      "pre_tokenizer": [
        "type": "Sequence",
        "pretokenizers": [
          ["type": "Split", "pattern": ["Regex": .string(expression)]], ["type": "ByteLevel"],
        ],
      ]
    ]
    #expect(try PreTokenizerName(tokenizer, file: "f").name == name)
  }

  @Test func namesDigitsAndRefusesOthers() throws {
    let digits: JSONValue = [
      "pre_tokenizer": [
        "type": "Sequence",
        "pretokenizers": [
          ["type": "Digits", "individual_digits": true], ["type": "ByteLevel", "use_regex": true],
        ],
      ]
    ]
    #expect(try PreTokenizerName(digits, file: "f").name == "smollm")
    let odd: JSONValue = ["pre_tokenizer": ["type": "Split", "pattern": ["Regex": "x+"]]]
    let error = #expect(throws: CheckpointError.self) { try PreTokenizerName(odd, file: "f") }
    #expect(error?.description.contains("GGUF has no name for: x+") == true)
    #expect(throws: CheckpointError.self) { try export(["model": ["type": "Unigram"]]) }
    #expect(throws: CheckpointError.self) {
      try export(["model": ["type": "BPE", "vocab": ["a": 0], "merges": ["a"]]])
    }
  }

  @Test(.enabled(if: Artefacts.vocabularies, "\(Artefacts.skip)"))
  func writesLlama2AsLlamaCppDoes() throws {
    let folder = Artefacts.path("tokenizers/llama2")
    var export = try TokenizerExport(
      tokenizerJSON: folder + "/tokenizer.json", tokenizerConfig: folder + "/tokenizer_config.json",
      chatTemplate: nil, modelConfiguration: [:], vocabularySize: 32000)
    let found = Dictionary(uniqueKeysWithValues: try export.metadata().map { ($0.key, $0.value) })
    let reference = try GGUFFile(
      path: Artefacts.path("tokenizers/llama.cpp-vocab/ggml-vocab-llama-spm.gguf")
    ).metadata
    guard case .strings(let tokens) = found["tokenizer.ggml.tokens"],
      case .int32s(let types) = found["tokenizer.ggml.token_type"],
      case .float32s(let scores) = found["tokenizer.ggml.scores"],
      let expected = reference["tokenizer.ggml.tokens"]?.stringsValue,
      let expectedScores = reference["tokenizer.ggml.scores"]?.numbersValue
    else {
      Issue.record("the lists are missing")
      return
    }
    // This copy of the file has spaces where the original has no-break spaces.
    #expect(zip(tokens, expected).count { $0 != $1 } == 4)
    #expect(types.map(Int64.init) == reference["tokenizer.ggml.token_type"]?.integersValue)
    // The order of the scores is what merging depends on; the original gives runs of spaces none.
    let ranked = (260..<29870).filter { expectedScores[$0] > -1e8 }
    #expect(ranked.count > 29000)
    let isSameOrder = ranked.sorted { scores[$0] > scores[$1] } == ranked
    #expect(isSameOrder && ranked.sorted { expectedScores[$0] > expectedScores[$1] } == ranked)
  }
}
