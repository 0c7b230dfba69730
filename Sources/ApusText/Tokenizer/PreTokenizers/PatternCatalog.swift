/// The pre-tokenisers that GGUF files name in `tokenizer.ggml.pre`, as lists of splitting patterns.
///
/// Where llama.cpp had to weaken a model's own pattern for the sake of its regular-expression library (gpt-4o,
/// tekken), the model's own pattern stands here.
package enum PatternCatalog {
  package static let gpt2 =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
  private static let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
  private static let spaces = #"\s*[\r\n]+|\s+(?!\S)|\s+"#

  /// The GPT-4 family: contractions, letters with one character before them, digits in groups.
  private static func gpt4(digits: String) -> String {
    contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + spaces
  }

  /// The GPT-4o family: words also break where a capital follows a small letter.
  private static func gpt4o(digits: String, contractions: String) -> String {
    #"[^\r\n\p{L}\p{N}]?"# + upper + "*" + lower + "+" + contractions
      + #"|[^\r\n\p{L}\p{N}]?"# + upper + "+" + lower + "*" + contractions
      + "|" + digits + #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|"# + spaces
  }

  package static let llama3 = gpt4(digits: #"\p{N}{1,3}"#)
  package static let qwen2 = gpt4(digits: #"\p{N}"#)
  private static let optional = contractions + "?"

  /// Cased letters, by number: as characters, some would not survive normalisation of this file.
  private static let deepSeekLetters: String = {
    let ranges = """
      41-5A 61-7A B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 376-377 37B-37D 37F \
      386 388-38A 38C 38E-3A1 3A3-3F5 3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 13F8-13FD \
      1C90-1CBA 1CBD-1CBF 1D00-1D2B 1D6B-1D77 1D79-1D9A 1E00-1F15 1F18-1F1D 1F20-1F45 \
      1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE 1FC2-1FC4 \
      1FC6-1FCC 1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4 1FF6-1FFC 2102 2107 210A-2113 2115 \
      2119-211D 2124 2126 2128 212A-212D 212F-2134 2139 213C-213F 2145-2149 214E 2183-2184 \
      2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2-2CF3 A640-A66D A680-A69B A722-A76F A771-A787 \
      A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F 104B0-104D3 \
      104D8-104FB 10C80-10CB2 10CC0-10CF2 118A0-118DF 1E900-1E943
      """
    let members = ranges.split(separator: " ").map { range in
      range.split(separator: "-").map { "\\x{\($0)}" }.joined(separator: "-")
    }
    return #"\s?["# + members.joined() + "]+"
  }()

  private static let deepSeekV3 = [
    #"\p{N}{1,3}"#, #"[一-龥぀-ゟ゠-ヿ]+"#,
    ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##
      + #"| ?[\p{P}\p{S}]+[\r\n]*|"# + spaces,
  ]

  private static let digitsThenGPT2 = [#"\p{N}"#, gpt2]
  private static let bloom = #" ?[^(\s|.,!?…。，、।۔،)]+"#

  private static let lists: [(names: [String], patterns: [String])] = [
    (
      [
        "gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4",
        "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "jina-v1-en", "jina-v2-code",
        "roberta-bpe", "gigachat", "a.x-4.0", "mellum", "modern-bert", "gpt-neox",
      ], [gpt2]
    ),
    (
      [
        "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
        "jina-v5-nano", "dbrx", "smaug-bpe", "glm4", "chatglm-bpe", "cl100k",
      ], [llama3]
    ),
    (
      [
        "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "stablelm2", "megrez", "hunyuan", "grok-2",
        "solar-open",
      ], [qwen2]
    ),
    (
      ["qwen35"],
      [
        contractions + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"#
          + spaces
      ]
    ),
    (
      [
        "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b",
        "mellum2",
      ], digitsThenGPT2
    ),
    (
      ["deepseek-llm"],
      [
        #"[\r\n]"#, deepSeekLetters, #"\s?[!-/:-~！-／：-～‘-‟　-。]+"#, #"\s+$"#,
        #"[一-龥ࠀ-一가-퟿]+"#, #"\p{N}+"#,
      ]
    ),
    (
      ["deepseek-coder"],
      [#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, #"[一-龥ࠀ-一가-퟿]+"#, #"\p{N}"#]
    ),
    (["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"], deepSeekV3),
    (["falcon"], [#"[\p{P}\$\+<=>\^~\|`]+"#, gpt2, "[0-9][0-9][0-9]"]),
    (
      ["default"], [#"[\p{P}\$\+<=>\^~\|]+"#, gpt2, #"\p{N}+"#, "[0-9][0-9][0-9]"]
    ),
    (
      ["chameleon"],
      [
        "<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", #"([\t\n]|    |  )"#,
        #"\p{N}"#, #"[\p{P}!-/:-@\[-`{-~]"#, gpt2,
      ]
    ),
    (["tekken"], [gpt4o(digits: #"\p{N}"#, contractions: "")]),
    (
      ["gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2", "granite-embed-multi-97m"],
      [gpt4o(digits: #"\p{N}{1,3}"#, contractions: optional)]
    ),
    (
      ["tiny_aya", "cohere2moe"],
      [digitsAtWordEnd, gpt4o(digits: #"\p{N}{1,3}"#, contractions: optional)]
    ),
    (["superbpe"], [#"\p{N}+"#, digitsFromRight]),
    (["poro-chat", "bloom", "gpt3-finnish"], [bloom]),
    (["viking"], [bloom, #"\p{N}"#]),
    (
      ["kimi-k2"],
      [
        #"[\p{Han}]+|"#
          + #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*"#
          + #"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+"# + optional
          + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+"#
          + #"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*"# + optional
          + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + spaces
      ]
    ),
    (
      ["bailingmoe", "bailingmoe2", "llada-moe"],
      [
        #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"#
          + #"\s*[\r\n]|\s+(?!\S)|\s+"#
      ]
    ),
    (
      ["seed-coder"],
      [
        contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|"# + spaces
      ]
    ),
    (["minicpm5"], [#"\p{N}{1,3}"#, gpt4(digits: #"\p{N}+"#)]),
    (["gemma4", "sarvam-moe", "granite-embed-multi-311m"], [#"[^\n]+|[\n]+"#]),
    (["whitespace"], [#"\S+"#]),
  ]

  static let digitsFromRight = #"(?=(\d{3})+(?!\d))"#
  static let digitsAtWordEnd = #"\d{1,3}(?=(?:\d{3})*\b)"#

  /// All names, for error messages.
  package static var names: [String] { lists.flatMap(\.names).sorted() }

  package static func preTokenizer(named name: String) throws -> PreTokenizer {
    guard let list = lists.first(where: { $0.names.contains(name) }) else {
      throw TokenizerError.unsupported(
        kind: "pre-tokenizer", name: "\(name)' (valid: '\(names.joined(separator: ", "))")
    }
    return PreTokenizer(name: name, steps: try list.patterns.map(isolated))
  }

  /// The step that splits at a pattern and keeps everything.
  static func isolated(_ pattern: String) throws -> PreTokenizer.Step {
    switch pattern {
    case digitsFromRight: .digitGroups(onlyAtWordEnd: false)
    case digitsAtWordEnd: .digitGroups(onlyAtWordEnd: true)
    default: .split(try PatternAutomaton(pattern), .isolated, inverted: false)
    }
  }
}
