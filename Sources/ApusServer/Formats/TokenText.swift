import ApusCore
import ApusDecoding
import ApusText

/// Tokens as log-probabilities print them.
struct TokenText: Sendable {
  let tokenizer: Tokenizer

  /// The text of a token; a token that is no whole UTF-8 text reads `bytes:\xe2\x82`.
  func text(_ id: TokenID) -> String {
    let bytes = tokenizer.bytes(of: id)
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    return "bytes:" + bytes.map { "\\x" + Self.hex($0) }.joined()
  }

  func bytes(_ id: TokenID) -> JSONValue {
    .array(tokenizer.bytes(of: id).map { .integer(Int64($0)) })
  }

  /// How many characters begin in this token.
  func characterCount(_ id: TokenID) -> Int {
    tokenizer.bytes(of: id).count { $0 & 0xC0 != 0x80 }
  }

  private static func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.count < 2 ? "0" + digits : digits
  }
}

/// JSON has no infinity; a token that cannot come has this log-probability, as in vLLM.
private let lowestLogprob = -9999.0

extension TokenLogprobs.Entry {
  var json: JSONValue { .number(max(Double(logprob), lowestLogprob)) }
}

extension TokenText {
  /// vLLM's form for prompts: null for the first token, then `{"id": {"logprob", "rank", "decoded_token"}}`.
  func promptLogprobs(_ scores: [TokenLogprobs], count: Int) -> JSONValue {
    .array([.null] + scores.map { .object(entry($0, count: count)) })
  }

  private func entry(_ score: TokenLogprobs, count: Int) -> JSONObject {
    var object = JSONObject()
    for (index, entry) in score.best(count).enumerated() {
      object[String(entry.token)] = [
        "logprob": entry.json,
        "rank": .integer(Int64(entry.token == score.chosen.token ? score.rank : index + 1)),
        "decoded_token": .string(text(entry.token)),
      ]
    }
    return object
  }
}

extension TokenLogprobs {
  /// The most likely tokens and, if it is none of them, the one that stands there.
  func best(_ count: Int) -> [Entry] {
    let best = Array(top.prefix(count))
    return best.contains { $0.token == chosen.token } ? best : best + [chosen]
  }
}
