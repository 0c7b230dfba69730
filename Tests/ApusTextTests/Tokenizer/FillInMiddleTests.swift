import ApusCore
import ApusText
import Testing

struct FillInMiddleTests {
  private static func tokenizer(
    _ names: [String], _ roles: [String: Int64] = [:]
  ) throws -> Tokenizer {
    let pieces = ["<|end|>", "a", "b"] + names
    var metadata: Metadata = [
      "tokenizer.ggml.model": .string("gpt2"), "tokenizer.ggml.pre": .string("gpt-2"),
      "tokenizer.ggml.tokens": .strings(pieces), "tokenizer.ggml.merges": .strings([]),
      "tokenizer.ggml.eos_token_id": .integer(0),
    ]
    for (role, id) in roles { metadata["tokenizer.ggml.\(role)_token_id"] = .integer(id) }
    return try Tokenizer(metadata: metadata)
  }

  @Test(arguments: [
    ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
    ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
    ["<PRE>", "<SUF>", "<MID>"],
  ])
  func tokensAreKnownByName(_ names: [String]) throws {
    let tokens = try #require(try Self.tokenizer(names).fillInMiddle)
    #expect([tokens.prefix, tokens.suffix, tokens.middle] == [3, 4, 5])
    #expect(tokens.repository == nil && tokens.file == nil)
    #expect(try Self.tokenizer(Array(names.dropLast())).fillInMiddle == nil)
  }

  @Test func theFilesRolesComeFirst() throws {
    let names = ["<PRE>", "<SUF>", "<MID>", "x", "<|repo_name|>", "<|file_sep|>"]
    let tokens = try #require(try Self.tokenizer(names, ["fim_pre": 6]).fillInMiddle)
    #expect([tokens.prefix, tokens.suffix, tokens.middle] == [6, 4, 5])
    #expect(tokens.repository == 7 && tokens.file == 8)
    let old = try Self.tokenizer(["p", "s", "m"], ["prefix": 3, "suffix": 4, "middle": 5])
    #expect(old.fillInMiddle?.middle == 5)
  }
}
