import Apus
import ApusCore
import ApusEngine

/// What came of one request.
struct Answer {
  var text = ""
  var tokens: [TokenID] = []
  var finish: TextFinish?

  /// The object that `apus run --json` prints.
  var json: JSONValue {
    var object = JSONObject([
      ("text", .string(text)), ("tokens", .array(tokens.map { .integer(Int64($0)) })),
      ("timings", timings), ("finish_reason", finish.map { .string($0.reason.rawValue) } ?? .null),
    ])
    finish?.timings.addMethods(to: &object)
    return .object(object)
  }

  private var timings: JSONValue {
    let timings = finish?.timings ?? GenerationTimings()
    return [
      "queued_ms": .number(timings.queued.milliseconds.rounded3),
      "prompt_n": .integer(Int64(timings.promptTokens)),
      "prompt_ms": .number(timings.prefill.milliseconds.rounded3),
      "prompt_per_second": .number(promptRate.rounded3),
      "predicted_n": .integer(Int64(timings.generatedTokens)),
      "predicted_ms": .number(timings.decode.milliseconds.rounded3),
      "predicted_per_second": .number(decodeRate.rounded3),
    ]
  }

  /// One line for people.
  var summary: String {
    let timings = finish?.timings ?? GenerationTimings()
    func part(_ name: String, _ count: Int, _ time: Duration, _ rate: Double) -> String {
      "\(name) \(count) tokens in \(time.milliseconds.formatted(decimals: 0)) ms"
        + (rate > 0 ? " (\(rate.formatted(decimals: 1)) per second)" : "")
    }
    return part("prompt", timings.promptTokens, timings.prefill, promptRate) + ", "
      + part("answer", timings.generatedTokens, timings.decode, decodeRate)
      + (timings.methods.isEmpty
        ? "" : ", approximate by " + timings.methods.joined(separator: ", "))
  }

  private var promptRate: Double {
    guard let timings = finish?.timings, timings.prefill > .zero else { return 0 }
    return Double(timings.promptTokens) / timings.prefill.seconds
  }

  /// Tokens after the first; the first comes out of reading the prompt.
  private var decodeRate: Double {
    guard let timings = finish?.timings, timings.decode > .zero else { return 0 }
    return Double(max(0, timings.generatedTokens - 1)) / timings.decode.seconds
  }
}

/// Prints a text stream as it comes.
struct AnswerPrinter {
  let isSilent: Bool
  let quiet: Bool
  /// Whether the text is Markdown, which a terminal shows in styles.
  var isMarkdown = false

  /// Stops early, without an error, when the task is cancelled.
  func print(_ stream: TextStream) async throws -> Answer {
    var renderer = isMarkdown && Output.showsStyles && !isSilent ? MarkdownRenderer() : nil
    do {
      let answer = try await print(stream, &renderer)
      try Output.writeUnchecked(renderer?.finish() ?? "")
      return answer
    } catch {
      try? Output.writeUnchecked(renderer?.finish() ?? "")
      throw error
    }
  }

  private func print(
    _ stream: TextStream, _ renderer: inout MarkdownRenderer?
  ) async throws -> Answer {
    var answer = Answer()
    let bar = ProgressBar("reading the prompt", quiet: quiet)
    defer { bar.finish() }
    bar.update(0, of: nil)
    for try await event in stream {
      switch event {
      case .progress(let progress):
        bar.update(
          progress.processed, of: progress.total,
          detail: "\(progress.processed) of \(progress.total) tokens")
      case .promptLogprobs: break
      case .delta(let text, let tokens):
        bar.finish()
        answer.text += text
        answer.tokens += tokens.map(\.id)
        if let styled = renderer?.append(text) {
          try Output.writeUnchecked(styled)
        } else if !isSilent {
          try Output.write(text)
        }
      case .finished(let finish): answer.finish = finish
      }
    }
    return answer
  }
}
