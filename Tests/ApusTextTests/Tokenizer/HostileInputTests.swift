import ApusCore
import ApusText
import Foundation
import Testing

/// Texts that make a naive tokenizer quadratic: a megabyte of one thing.
@Suite(.serialized, .enabled(if: Artefacts.isPresent, "artefacts are missing"))
struct HostileInputTests {
  #if DEBUG
    static let size = 20_000
    static let measuresSpeed = false
  #else
    static let size = 1_000_000
    static let measuresSpeed = true
  #endif

  static let texts: [(name: String, text: String)] = [
    ("letters", String(repeating: "a", count: size)),
    ("capitals", String(repeating: "A", count: size)),
    ("spaces", String(repeating: " ", count: size)),
    ("spaces then a letter", String(repeating: " ", count: size) + "x"),
    ("newlines", String(repeating: "\n", count: size)),
    ("digits", String(repeating: "7", count: size)),
    ("punctuation", String(repeating: "!", count: size)),
    ("marks", "e" + String(repeating: "\u{301}", count: size / 2)),
    ("mixed marks", "e" + String(repeating: "\u{301}\u{316}", count: size / 4)),
    ("emoji", String(repeating: "👩‍👩‍👧‍👦", count: size / 25)),
    ("angle brackets", String(repeating: "<|im_", count: size / 5)),
    ("CJK", String(repeating: "漢字", count: size / 6)),
    ("ab", String(repeating: "ab", count: size / 2)),
  ]

  @Test(arguments: [
    "gpt-2", "llama-bpe", "qwen2", "llama-spm", "deepseek-llm", "falcon", "starcoder", "bert-bge",
    "phi-3",
  ])
  func aMegabyteRoundTrips(name: String) throws {
    let tokenizer = try KnownTokenizers.vocabulary(name)
    var line = "\(name):"
    for (label, text) in Self.texts {
      var ids: [TokenID] = []
      let time = ContinuousClock().measure { ids = tokenizer.encode(text, addSpecialTokens: false) }
      line +=
        " \(label) \((time / .milliseconds(1)).formatted(.number.precision(.fractionLength(0)))) ms,"
      // BERT normalises, and Qwen2 composes and reorders marks.
      if name == "bert-bge" || name == "qwen2" && label.contains("marks") { continue }
      #expect(tokenizer.decode(ids).utf8.elementsEqual(text.utf8), "\(name): \(label)")
    }
    print(line)
  }

  @Test(arguments: ["sentencepiece/test_model.model", "llama2.c/tokenizer.model"])
  func sentencePieceModels(path: String) throws {
    let tokenizer = try KnownTokenizers.sentencePiece("tokenizers/\(path)")
    for (_, text) in Self.texts { _ = tokenizer.encode(text) }
  }

  /// Speed on a novel; printed, not asserted, because it depends on the machine.
  @Test(.enabled(if: measuresSpeed, "not in debug builds")) func speed() throws {
    let text = try Artefacts.text("longtext/tinyshakespeare/dataset-tinyshakespeare.txt")
    for name in [
      "gpt-2", "llama-bpe", "qwen2", "deepseek-llm", "llama-spm", "bert-bge", "starcoder",
    ] {
      let tokenizer = try KnownTokenizers.vocabulary(name)
      var best = Duration.seconds(1000)
      for _ in 0..<3 { best = min(best, ContinuousClock().measure { _ = tokenizer.encode(text) }) }
      let rate = Double(text.utf8.count) / 1e6 / (best / .seconds(1))
      print(
        "\(name): \(rate.formatted(.number.precision(.fractionLength(1)))) MB/s, \(tokenizer.summary)"
      )
    }
  }
}

/// The same as counts: how often the automaton looks at a scalar must not grow faster than the text.
@Suite(.serialized) struct LinearScanTests {
  @Test(arguments: [
    PatternCatalog.gpt2, PatternCatalog.llama3, PatternCatalog.qwen2, #"\s+$"#, "a|a*b",
    #"\s*[\r\n]+|x"#,
    #"(?:ab)+c|a"#,
  ])
  func stepsGrowLinearly(pattern: String) throws {
    let automaton = try PatternAutomaton(pattern)
    for unit in ["a", " ", "\n", "ab", "7", "'", " \n", "\u{301}"] {
      let text = Array(String(repeating: unit, count: 20_000 / unit.utf8.count).utf8) + [0x78]
      let steps = automaton.countSteps(text)
      #expect(steps <= 6 * text.count + 1000, "\(pattern) on \(unit.debugDescription): \(steps)")
    }
  }
}
