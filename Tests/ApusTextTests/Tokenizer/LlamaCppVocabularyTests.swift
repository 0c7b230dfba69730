import ApusCore
import ApusText
import Testing

/// llama.cpp's own cases: inputs and expected ids per vocabulary.
@Suite(.serialized, .enabled(if: Artefacts.isPresent, "artefacts are missing"))
struct LlamaCppVocabularyTests {
  static let folder = "tokenizers/llama.cpp-vocab"

  @Test(arguments: [
    "bert-bge", "deepseek-coder", "deepseek-llm", "deepseek-r1-qwen", "falcon", "gpt-2",
    "llama-bpe", "llama-spm", "mpt", "phi-3", "qwen2", "refact", "starcoder",
  ])
  func encodesAsExpected(name: String) throws {
    let tokenizer = try KnownTokenizers.vocabulary(name)
    let cases = try Self.cases(name)
    #expect(cases.count == 47)
    for (text, expected) in cases {
      let ids = tokenizer.encode(text, addSpecialTokens: false, parseSpecialTokens: false)
      #expect(ids == expected, "\(name): \(text.debugDescription)")
      #expect(ids.allSatisfy { tokenizer.piece($0) != nil })
    }
  }

  /// RoBERTa's vocabulary is GPT-2's in another order, which is not here: the ids must correspond one to one.
  @Test func robertaIsGPT2Renumbered() throws {
    let tokenizer = try KnownTokenizers.vocabulary("gpt-2")
    var there: [TokenID: TokenID] = [:]
    var back: [TokenID: TokenID] = [:]
    for (text, expected) in try Self.cases("roberta-bpe") {
      let ids = tokenizer.encode(text, addSpecialTokens: false)
      try #require(ids.count == expected.count, "\(text.debugDescription)")
      for (ours, theirs) in zip(ids, expected) {
        #expect(there.updateValue(theirs, forKey: ours).map { $0 == theirs } ?? true)
        #expect(back.updateValue(ours, forKey: theirs).map { $0 == ours } ?? true)
      }
    }
  }

  @Test(arguments: ["baichuan", "gpt-neox", "falcon", "deepseek-llm", "llama-spm", "gpt-2", "mpt"])
  func decodesWhatItEncoded(name: String) throws {
    let tokenizer = try KnownTokenizers.vocabulary(name)
    for (text, _) in try Self.cases("gpt-2") where !text.isEmpty {
      let ids = tokenizer.encode(text, addSpecialTokens: false, parseSpecialTokens: false)
      let decoded = tokenizer.decode(ids)
      #expect(Array(decoded.utf8) == Array(text.utf8), "\(name): \(text.debugDescription)")
    }
  }

  static func cases(_ name: String) throws -> [(text: String, ids: [TokenID])] {
    let path = "\(folder)/ggml-vocab-\(name).gguf"
    let separator = Array("\n__ggml_vocab_test__\n".utf8)
    var texts: [String] = []
    var rest = try Artefacts.bytes("\(path).inp")[...]
    while let range = rest.firstRange(of: separator) {
      texts.append(String(decoding: rest[..<range.lowerBound], as: UTF8.self))
      rest = rest[range.upperBound...]
    }
    texts.append(String(decoding: rest, as: UTF8.self))
    let lines = try Artefacts.text("\(path).out").split(
      separator: "\n", omittingEmptySubsequences: false)
    return zip(texts, lines).map { text, line in
      (text, line.split(separator: " ").compactMap { TokenID($0) })
    }
  }
}
