import ApusCore

/// Follows one streamed answer: bytes and their times in, token times and counts out.
///
/// Times are nanoseconds of the monotonic clock.
package struct AnswerReader {
  private var parser = EventStreamParser()
  private var isDone = false
  private var finished: Int64?
  private var usage: JSONValue?

  /// When each piece of text came.
  package private(set) var arrivals: [Int64] = []

  package init() {}

  /// Takes bytes of the answer; throws `LoadFailure`.
  package mutating func read(_ bytes: some Sequence<UInt8>, at time: Int64) throws {
    var parser = self.parser
    // The parser is moved out, so that its buffers are not copied.
    self.parser = EventStreamParser()
    defer { self.parser = parser }
    try parser.read(bytes) { try event($0, at: time) }
  }

  private mutating func event(_ data: [UInt8], at time: Int64) throws {
    if data.elementsEqual("[DONE]".utf8) {
      isDone = true
      return
    }
    let value: JSONValue
    do { value = try JSONValue(parsing: data) } catch { throw LoadFailure.malformed("\(error)") }
    if let error = value["error"], !error.isNull {
      throw LoadFailure.event(LoadFailure.message(in: data))
    }
    if let usage = value["usage"], !usage.isNull { self.usage = usage }
    guard let choice = value["choices"]?.arrayValue?.first else { return }
    let hasFinished = choice["finish_reason"].map { !$0.isNull } ?? false
    if Self.hasToken(choice, hasFinished: hasFinished) { arrivals.append(time) }
    if hasFinished { finished = time }
  }

  /// Whether a chunk stands for a token: it has text, or it has an empty one because a token's bytes are no whole
  /// character yet. The chunk that only names the role and the one that only ends the answer have none.
  private static func hasToken(_ choice: JSONValue, hasFinished: Bool) -> Bool {
    let delta = choice["delta"]
    let texts = [
      choice["text"], delta?["content"], delta?["reasoning_content"], delta?["reasoning"],
    ].compactMap { $0?.stringValue }
    if texts.contains(where: { !$0.isEmpty }) { return true }
    if delta?["tool_calls"]?.arrayValue?.isEmpty == false { return true }
    return !texts.isEmpty && !hasFinished && delta?["role"] == nil
  }

  /// Puts what was read into the record; throws `LoadFailure` when the answer is not whole.
  package func finish(_ record: inout RequestRecord) throws {
    record.arrivals = arrivals
    if let count = usage?["prompt_tokens"]?.intValue {
      record.inputTokens = count
      record.countsInput = true
    }
    record.cachedTokens = usage?["prompt_tokens_details"]?["cached_tokens"]?.intValue
    let counted = usage?["completion_tokens"]?.intValue
    record.countsOutput = counted != nil
    record.outputTokens = counted ?? arrivals.count
    if arrivals.isEmpty, let finished, record.outputTokens > 0 {
      // All tokens were without text, such as special ones.
      record.arrivals = [finished]
    }
    guard isDone || finished != nil else { throw LoadFailure.cutShort }
    guard !record.arrivals.isEmpty else { throw LoadFailure.noTokens }
  }
}
