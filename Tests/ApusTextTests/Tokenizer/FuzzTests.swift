import ApusCore
import ApusText
import Foundation
import Testing

/// Damaged files must give an error or a working tokenizer, never a crash.
@Suite(.serialized) struct FuzzTests {
  /// A small generator with a fixed seed, so that a failure can be repeated.
  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state ^ (state >> 33)) &* 0xFF51_AFD7_ED55_8CCD
    }
  }

  #if DEBUG
    static let rounds = 1
  #else
    static let rounds = 10
  #endif

  static let texts = [
    "", "Hello, world! 123", "<s>  é漢🦙\n\t<|end|>", "\u{301}\u{301} 's 'LL __ ##x",
  ]

  private static func use(_ tokenizer: Tokenizer, _ random: inout Generator) {
    for text in texts {
      let ids = tokenizer.encode(text)
      _ = tokenizer.decode(ids)
      _ = tokenizer.encode(text, addSpecialTokens: false, parseSpecialTokens: false)
    }
    _ = tokenizer.decode((0..<5).map { _ in TokenID.random(in: -5...1000, using: &random) })
    _ = tokenizer.summary
    _ = tokenizer.endOfGeneration
  }

  private static func inlineTokenizer(_ url: URL) throws -> JSONValue? {
    let json = try JSONValue(parsing: try Artefacts.bytes(url))
    return json["sources"]?.arrayValue?.first?["tokenizer"]
  }

  @Test(arguments: TokenizerGolden.files(in: Artefacts.fixtures))
  func mutatedTokenizerFiles(url: URL) throws {
    guard let json = try Self.inlineTokenizer(url) else { return }
    var random = Generator(state: UInt64(url.lastPathComponent.utf8.count))
    Self.use(try Tokenizer(json: json), &random)
    for _ in 0..<6 * Self.rounds {
      var mutated = json
      for _ in 0..<Int.random(in: 1...3, using: &random) { mutated = Self.mutate(mutated, &random) }
      do {
        Self.use(try Tokenizer(json: mutated), &random)
      } catch let error as TokenizerError {
        #expect(!error.description.contains("\n"))
      }
    }
  }

  /// Replaces one value somewhere in a tree.
  private static func mutate(_ value: JSONValue, _ random: inout Generator) -> JSONValue {
    switch value {
    case .object(let object) where object.count > 0 && Int.random(in: 0..<8, using: &random) > 0:
      var entries = object.entries
      let index = Int.random(in: 0..<entries.count, using: &random)
      if Int.random(in: 0..<12, using: &random) == 0 {
        entries.remove(at: index)
      } else {
        entries[index].value = mutate(entries[index].value, &random)
      }
      return .object(JSONObject(entries))
    case .array(let items) where !items.isEmpty && Int.random(in: 0..<8, using: &random) > 0:
      var items = items
      let index = Int.random(in: 0..<items.count, using: &random)
      if Int.random(in: 0..<12, using: &random) == 0 {
        items.append(items[index])
      } else {
        items[index] = mutate(items[index], &random)
      }
      return .array(items)
    default:
      let replacements: [JSONValue] = [
        .null, true, -1, 0, 7, 2_147_483_647, 2_147_483_648, 9_007_199_254_740_993, 1.5e300, "",
        "a", " ",
        "a a", "▁", "Ġ", "(", "[^", "\\p{L}+", [], [1], ["a", "b"], [:], ["type": "Sequence"],
        ["type": "Whitespace"], ["Regex": "(a|b)*c"], ["String": ""],
        .string(String(repeating: "a", count: 5000)),
      ]
      return replacements.randomElement(using: &random) ?? .null
    }
  }

  @Test func mutatedMetadata() {
    var random = Generator(state: 5)
    let pieces =
      ["<unk>", "<s>", "</s>"]
      + (0..<256).map { "<0x" + ($0 < 16 ? "0" : "") + String($0, radix: 16).uppercased() + ">" }
      + ["▁", "a", "b", "ab", "▁a", "▁ab", "Ġ", "Ġa", "H", "e", "He", "##e", "é"]
    let base: Metadata = [
      "tokenizer.ggml.tokens": .strings(pieces),
      "tokenizer.ggml.scores": .numbers(pieces.indices.map { -Float($0) }),
      "tokenizer.ggml.token_type": .integers(pieces.indices.map { $0 < 3 ? 3 : $0 < 259 ? 6 : 1 }),
      "tokenizer.ggml.merges": .strings(["a b", "Ġ a", "H e", "x y"]),
      "tokenizer.ggml.pre": .string("llama-bpe"), "tokenizer.ggml.bos_token_id": .unsigned(1),
      "tokenizer.ggml.eos_token_id": .unsigned(2), "tokenizer.ggml.unknown_token_id": .unsigned(0),
      "tokenizer.ggml.add_bos_token": .bool(true), "tokenizer.chat_template": .string("{{ x }}"),
      "tokenizer.ggml.precompiled_charsmap": .integers([]),
      "tokenizer.ggml.add_space_prefix": .bool(true),
    ]
    let values: [MetadataValue] = [
      .bool(false), .integer(-1), .unsigned(.max), .unsigned(270), .number(.nan), .string("x"),
      .bools([true]),
      .integers([1, 2, 3]), .integers((0..<400).map { Int64($0 % 9) }), .numbers([.nan]),
      .strings([]),
      .numbers(Array(repeating: .nan, count: 400)), .strings(Array(repeating: "a", count: 300)),
      .strings(["", "", "a b", " "]), .integers(Array(repeating: .max, count: 400)),
      .integers([4, 0, 0, 0, 255, 255, 255, 255, 0]),
      .integers([8, 0, 0, 0, 0, 4, 0, 0, 97, 1, 0, 128, 65]),
    ]
    var built = 0
    for model in ["llama", "gpt2", "bert", "t5", "gemma4", "rwkv"] {
      for _ in 0..<30 * Self.rounds {
        var metadata = base
        metadata["tokenizer.ggml.model"] = .string(model)
        for _ in 0..<Int.random(in: 0...3, using: &random) {
          guard let key = metadata.keys.sorted().randomElement(using: &random) else { continue }
          metadata[key] =
            Int.random(in: 0..<4, using: &random) == 0 ? nil : values.randomElement(using: &random)
        }
        guard let tokenizer = try? Tokenizer(metadata: metadata) else { continue }
        Self.use(tokenizer, &random)
        built += 1
      }
    }
    #expect(built > 30 * Self.rounds)
  }

  @Test func mutatedModelFiles() throws {
    var random = Generator(state: 9)
    for url in TokenizerGolden.files(in: Artefacts.fixtures) {
      let json = try JSONValue(parsing: try Artefacts.bytes(url))
      guard let text = json["sources"]?.arrayValue?.first?["sentencePiece"]?.stringValue,
        let data = Data(base64Encoded: text)
      else { continue }
      for _ in 0..<20 * Self.rounds {
        var bytes = [UInt8](data)
        for _ in 0..<Int.random(in: 1...20, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
            in: 0...255, using: &random)
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
          bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
        }
        if let tokenizer = try? Tokenizer(sentencePiece: bytes) { Self.use(tokenizer, &random) }
      }
    }
    let lines = "YQ== 0\nYg== 1\nYWI= 2\n"
    for tail in [
      "YQ==", "YQ== x", "!!! 4", "YQ== 99999999999999", "YQ== -1", "= 3", "YQ== 0",
      "YQ== 2147483647",
    ] {
      if let tokenizer = try? Tokenizer(
        tiktoken: Array((lines + tail).utf8), preTokenizer: "llama-bpe",
        specialTokens: ["<s>", "<s>", ""])
      {
        Self.use(tokenizer, &random)
      }
    }
  }

  @Test(.enabled(if: Artefacts.isPresent, "artefacts are missing"))
  func mutatedCharacterMap() throws {
    var random = Generator(state: 11)
    let data = try Artefacts.bytes("tokenizers/sentencepiece/test_model.model")
    // The character map takes up the last part of the file.
    for _ in 0..<6 * Self.rounds {
      var bytes = data
      for _ in 0..<Int.random(in: 1...400, using: &random) {
        let index = Int.random(in: 20_000..<bytes.count, using: &random)
        bytes[index] = UInt8.random(in: 0...255, using: &random)
      }
      guard let tokenizer = try? Tokenizer(sentencePiece: bytes) else { continue }
      Self.use(tokenizer, &random)
      _ = tokenizer.encode(
        String(String.UnicodeScalarView((0x20..<0x3000).compactMap(Unicode.Scalar.init))))
    }
  }

  @Test func hugeIdsAreRefused() {
    let json: JSONValue = [
      "model": ["type": "BPE", "vocab": ["a": 2_000_000_000], "merges": []]
    ]
    #expect(
      throws: TokenizerError.malformed(
        field: "vocab", problem: "has an id out of range: 2000000000")
    ) {
      try Tokenizer(json: json)
    }
  }

  @Test func mergesThatJoinNothingAreRefused() {
    for merges: JSONValue in [["a b"], ["ab"], ["a  b"], [["a", "b", "c"]], [1], ["a a"]] {
      let json: JSONValue = [
        "model": ["type": "BPE", "vocab": ["a": 0, "b": 1], "merges": merges]
      ]
      #expect(throws: TokenizerError.self) { try Tokenizer(json: json) }
    }
  }
}
