import ApusCore
import ApusText
import Testing

@Suite(.serialized) struct TokenizerTests {
  private static let alphabet = "abcdefgh <>|/s1_".map { String($0) }

  /// Characters as ids in order, then the added tokens.
  private func make(
    _ added: [JSONValue] = [], normalizer: JSONValue = nil, processor: JSONValue = nil,
    configuration: JSONValue? = nil
  ) throws -> Tokenizer {
    let vocabulary = JSONObject(
      Self.alphabet.enumerated().map { (key: $1, value: .integer(Int64($0))) })
    return try Tokenizer(
      json: [
        "model": ["type": "BPE", "vocab": .object(vocabulary), "merges": []],
        "added_tokens": .array(added), "normalizer": normalizer, "post_processor": processor,
        "decoder": ["type": "Fuse"],
      ], configuration: configuration)
  }

  private func pieces(_ tokenizer: Tokenizer, _ text: String, parse: Bool = true) -> [String] {
    tokenizer.encode(text, parseSpecialTokens: parse).map { tokenizer.piece($0) ?? "?" }
  }

  private func token(_ content: String, _ id: Int64, _ flags: [String] = []) -> JSONValue {
    .object(
      JSONObject(
        [(key: "content", value: .string(content)), (key: "id", value: .integer(id))]
          + flags.map { (key: $0, value: true) }
          + (flags.contains("normalized") ? [] : [(key: "normalized", value: false)])))
  }

  @Test func longestAddedTokenWins() throws {
    let tokenizer = try make([token("<a", 50), token("<a>", 51), token("a><", 52)])
    #expect(pieces(tokenizer, "<a><a|") == ["<a>", "<a", "|"])
  }

  @Test func addedTokensTakeWhiteSpaceAlong() throws {
    let tokenizer = try make([token("<l>", 50, ["lstrip"]), token("<r>", 51, ["rstrip"])])
    #expect(pieces(tokenizer, "a  <l> b <r>  c") == ["a", "<l>", " ", "b", " ", "<r>", "c"])
  }

  @Test func wholeWordsOnly() throws {
    let tokenizer = try make([token("ab", 50, ["single_word"])])
    #expect(pieces(tokenizer, "ab cab ab") == ["ab", " ", "c", "a", "b", " ", "ab"])
  }

  @Test func specialTokensAreTextWhenNotParsed() throws {
    let tokenizer = try make([token("<s>", 50, ["special"]), token("</s>", 51)])
    #expect(pieces(tokenizer, "<s></s>") == ["<s>", "</s>"])
    #expect(pieces(tokenizer, "<s></s>", parse: false) == ["<", "s", ">", "</s>"])
    #expect(tokenizer.isSpecial(50) && !tokenizer.isSpecial(51))
    #expect(tokenizer.decode([0, 50, 51], skipSpecialTokens: true) == "a</s>")
  }

  @Test func normalizedTokensAreFoundInNormalizedText() throws {
    let tokenizer = try make(
      [token("<A>", 50, ["normalized"]), token("<B>", 51)], normalizer: ["type": "Lowercase"])
    #expect(pieces(tokenizer, "<A><a><B><b>") == ["<A>", "<A>", "<B>", "<", "b", ">"])
  }

  @Test func templateAndConfiguration() throws {
    let processor: JSONValue = [
      "type": "TemplateProcessing",
      "single": [
        ["SpecialToken": ["id": "<s>", "type_id": 0]], ["Sequence": ["id": "A", "type_id": 0]],
      ],
      "special_tokens": ["<s>": ["id": "<s>", "ids": [50], "tokens": ["<s>"]]],
    ]
    let added = [token("<s>", 50, ["special"]), token("</s>", 51, ["special"])]
    let plain = try make(added, processor: processor)
    #expect(plain.encode("a") == [50, 0] && plain.addsBOS && !plain.addsEOS)
    #expect(plain.encode("a", addSpecialTokens: false) == [0])
    let configured = try make(
      added, processor: processor,
      configuration: [
        "bos_token": "<s>", "eos_token": ["content": "</s>"], "tokenizer_class": "LlamaTokenizer",
        "add_bos_token": false, "add_eos_token": true,
        "chat_template": [
          ["name": "tools", "template": "T"], ["name": "default", "template": "D"],
        ],
      ])
    #expect(configured.encode("a") == [0, 51])
    #expect(configured.chatTemplate == "D")
    #expect(configured.eosToken == 51 && configured.endOfGeneration == [51])
  }

  @Test func templateMayNotNameIdsWithoutAPiece() {
    for processor: JSONValue in [
      ["type": "BertProcessing", "sep": ["x", 2_000_000_000], "cls": ["y", 1]],
      [
        "type": "TemplateProcessing", "single": [["SpecialToken": ["id": "<s>"]]],
        "special_tokens": ["<s>": ["ids": [9999]]],
      ],
    ] {
      #expect(throws: TokenizerError.self) { try make(processor: processor) }
    }
  }

  @Test func canonicallyEquivalentPiecesAreDistinct() throws {
    let tokenizer = try Tokenizer(json: [
      "model": [
        "type": "WordLevel", "vocab": ["\u{E9}": 0, "e\u{301}": 1, "?": 2], "unk_token": "?",
      ]
    ])
    #expect(tokenizer.encode("\u{E9}") == [0])
    #expect(tokenizer.encode("e\u{301}") == [1])
    #expect(tokenizer.id(of: "e\u{301}") == 1 && tokenizer.id(of: "\u{E9}") == 0)
  }

  @Test func unknownPartsAreNamed() {
    let json: JSONValue = [
      "model": ["type": "BPE", "vocab": [:], "merges": []],
      "pre_tokenizer": ["type": "Split", "pattern": ["Regex": "(?<=x)y"], "behavior": "Isolated"],
    ]
    #expect {
      try Tokenizer(json: json)
    } throws: {
      "\($0)" == "tokenizer: pattern '(?<=x)y': look-behind is not supported"
    }
  }

  @Test(.enabled(if: Artefacts.isPresent, "artefacts are missing"))
  func artefactWithAwkwardTokens() throws {
    let tokenizer = try KnownTokenizers.directory("tokenizers/added-tokens")
    #expect(tokenizer.vocabularySize == 32011)
    #expect(tokenizer.piece(32001) == "<|assistant|>")
    #expect(tokenizer.piece(100) == nil)
    #expect(tokenizer.addsBOS)
    #expect(tokenizer.encode("<|user|><|end|>", addSpecialTokens: false) == [32010, 32007])
    #expect(tokenizer.endOfGeneration.isSuperset(of: [2, 32000, 32007]))
  }

  @Test(.enabled(if: Artefacts.isPresent, "artefacts are missing"))
  func rolesOfRealModels() throws {
    let qwen = try KnownTokenizers.qwen2()
    #expect(qwen.id(of: "<|im_end|>").map { qwen.endOfGeneration.contains($0) } == true)
    #expect(!qwen.addsBOS && qwen.chatTemplate != nil)
    let llama = try KnownTokenizers.llama3()
    #expect(llama.bosToken == 128000 && llama.addsBOS)
    #expect(llama.endOfGeneration.isSuperset(of: [128001, 128008, 128009]))
    let phi = try KnownTokenizers.vocabulary("phi-3")
    #expect(phi.eosToken == 32000 && phi.addsBOS)
    #expect(phi.endOfGeneration == [2, 32000, 32007])
    let bert = try KnownTokenizers.vocabulary("bert-bge")
    #expect(bert.encode("a") == [101, 1037, 102])
    #expect(try KnownTokenizers.vocabulary("gpt-2").bytes(of: 220) == [0x20])
  }
}
