import ApusCore

/// Finds out how the server counts tokens, with no tokenizer of its own.
///
/// Words that /tokenize counts as one token each make prompts of exact length; without /tokenize, two requests show by
/// their `usage` how many tokens a word has. What the server adds to a prompt is seen in `usage` too. The first request
/// also tells at once whether the server answers at all.
package struct PromptCalibration: Sendable {
  private static let repetitions = 8
  private static let leastWords = 32
  private static let callsAtOnce = 8
  private static let probeWords = (few: 64, many: 320)

  let client: LoadClient
  let body: RequestBody

  package init(_ client: LoadClient, _ body: RequestBody) {
    self.client = client
    self.body = body
  }

  /// The writer for this server; throws `LoadFailure` when it refuses a request.
  ///
  /// - Parameters:
  ///   - ids: The ids to send, for prompts that are no text.
  ///   - isGiven: Prompts have texts of their own, nothing is to be measured.
  package func writer(ids: Range<Int>?, isGiven: Bool) async throws -> PromptWriter {
    var writer = PromptWriter()
    if isGiven {
      writer.method = .given
    } else if let ids {
      writer = PromptWriter(material: .ids(ids), method: .tokenIDs)
    } else if let material = try await tokenizedWords() {
      writer = PromptWriter(material: material, method: .tokenize)
    }
    let few = Self.probeWords.few
    guard let tokens = try await promptTokens(few, writer), !isGiven else { return writer }
    guard writer.method == .words else {
      writer.overhead = max(0, tokens - few)
      return writer
    }
    let many = Self.probeWords.many
    guard let more = try await promptTokens(many, writer), more > tokens else { return writer }
    let tokensPerWord = Double(more - tokens) / Double(many - few)
    let overhead = Double(tokens) - tokensPerWord * Double(few)
    return PromptWriter(
      material: .words(WordList.words, tokensPerWord: tokensPerWord), method: .usage,
      overhead: max(0, Int(overhead.rounded())))
  }

  /// The tokens of a prompt made for `tokens`, as the server's `usage` says; nil when it says nothing.
  private func promptTokens(_ tokens: Int, _ writer: PromptWriter) async throws -> Int? {
    let plan = PromptPlan.parts([PromptPart(seed: 0x70_726F_6265, tokens: tokens)])
    let bytes = body.probe(writer.prompt(plan))
    let (status, answer) = try await client.fetch("POST", body.endpoint.path, bytes)
    guard status == 200 else { throw LoadFailure.status(status, LoadFailure.message(in: answer)) }
    return (try? JSONValue(parsing: answer))?["usage"]?["prompt_tokens"]?.intValue
  }

  /// Words of one token each; if there are too few, all words and their mean. Nil without /tokenize.
  private func tokenizedWords() async throws -> PromptWriter.Material? {
    guard try await tokenCount(WordList.words[0]) != nil else { return nil }
    let words = WordList.words
    var counts: [Int: Int] = [:]
    try await withThrowingTaskGroup(of: (Int, Int?).self) { group in
      for index in words.indices {
        if index >= Self.callsAtOnce, let (word, count) = try await group.next() {
          counts[word] = count
        }
        group.addTask { (index, try await tokenCount(repeated(words[index]))) }
      }
      for try await (word, count) in group { counts[word] = count }
    }
    // The first word stands without a space: with one more token for it, a word may still be one token elsewhere.
    for most in [Self.repetitions, Self.repetitions + 1] {
      let single = words.indices.filter { (Self.repetitions...most).contains(counts[$0] ?? 0) }
      guard single.count < Self.leastWords else {
        return .words(single.map { words[$0] }, tokensPerWord: 1)
      }
    }
    let text = words.joined(separator: " ")
    guard let count = try await tokenCount(text), count > 0 else { return nil }
    return .words(words, tokensPerWord: Double(count) / Double(words.count))
  }

  private func repeated(_ word: String) -> String {
    Array(repeating: word, count: Self.repetitions).joined(separator: " ")
  }

  /// The number of tokens of a text. Nil when the server has no /tokenize of either of the two kinds.
  private func tokenCount(_ text: String) async throws -> Int? {
    // llama-server reads the content, vLLM the prompt; each has its own name for special tokens.
    let request: JSONValue = [
      "model": .string(body.model), "content": .string(text), "prompt": .string(text),
      "add_special": false, "add_special_tokens": false,
    ]
    guard let (status, bytes) = try? await client.fetch("POST", "/tokenize", request.utf8),
      status == 200, let answer = try? JSONValue(parsing: bytes)
    else { return nil }
    return answer["tokens"]?.arrayValue?.count ?? answer["count"]?.intValue
  }
}
