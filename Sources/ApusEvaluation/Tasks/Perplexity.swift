import ApusCore
import ApusDecoding
import Foundation

/// How well the model foretells a text: the option `file` names it, else it is made up.
///
/// The text is cut into windows of the length, each read from its beginning. The score is the geometric mean of the
/// probabilities of all scored tokens, the perplexity its reciprocal.
struct Perplexity: EvaluationTask {
  private let text: String?

  init(options: PluginOptions) throws {
    text = try options.string("file").map { path in
      let text: String
      do { text = try String(contentsOf: URL(filePath: path), encoding: .utf8) } catch {
        throw EvaluationError.noText(path: path, reason: error.localizedDescription)
      }
      guard !text.allSatisfy(\.isWhitespace) else {
        throw EvaluationError.noText(path: path, reason: "it is empty")
      }
      return text
    }
  }

  let measure = EvaluationMeasure.text

  func cases(length: CaseLength, seed: UInt64, count: Int) throws -> [EvaluationCase] {
    guard let text else {
      return try (0..<count).map { number in
        let seed = RandomSource.seed(seed, "\(Self.self)", length.target, number)
        return try length.fit(least: 1) { size in
          var random = RandomSource(seed: seed)
          return Self.window(Self.madeUp(size, &random))
        }
      }
    }
    let places = Array(text.indices) + [text.endIndex]
    var windows: [EvaluationCase] = []
    var start = 0
    while windows.count < count, start < places.count - 1 {
      let window = try length.fit(least: 1) { size in
        Self.window(String(text[places[start]..<places[min(start + size, places.count - 1)]]))
      }
      start += window.document.count
      // What is left at the end is no whole window.
      if start >= places.count - 1, !windows.isEmpty { break }
      windows.append(window)
    }
    return windows
  }

  private static func window(_ text: String) -> EvaluationCase {
    EvaluationCase(document: text, question: "", answer: "", expected: [])
  }

  private static func madeUp(_ size: Int, _ random: inout RandomSource) -> String {
    let facts = World.sections(max(1, size / 4), &random).flatMap { $0 }
    return Haystack(.prose).text(
      size - min(size, facts.count), scattering: facts.map { $0.statement(&random) }, &random)
  }

  func score(_ output: ModelOutput, for example: EvaluationCase) -> TaskScore {
    guard case .scores(let scores, let characters) = output, !scores.isEmpty else {
      return TaskScore(0)
    }
    let nats = scores.reduce(0.0) { $0 - Double($1.chosen.logprob) }
    let count = Double(scores.count)
    return TaskScore(
      exp(-nats / count),
      details: ["nats": nats, "tokens": count, "characters": Double(characters)])
  }

  /// Over all tokens and characters, whatever window they are in.
  func total(_ scores: [TaskScore]) -> TaskScore {
    func sum(_ name: String) -> Double { scores.reduce(0) { $0 + ($1.details[name] ?? 0) } }
    let (nats, tokens, characters) = (sum("nats"), sum("tokens"), sum("characters"))
    guard tokens > 0 else { return .mean(scores) }
    var details = ["nats/token": nats / tokens, "perplexity": exp(nats / tokens)]
    if characters > 0 {
      details["nats/character"] = nats / characters
      details["perplexity/character"] = exp(nats / characters)
    }
    return TaskScore(exp(-nats / tokens), details: details)
  }
}
