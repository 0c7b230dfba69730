import ApusCore

/// Where the requests of a load come from, as `--dataset` names it.
package enum Dataset: Sendable, Equatable, CustomStringConvertible {
  case random
  case prefixRepetition
  /// A recorded trace: times and lengths, and with Mooncake's format which blocks are shared.
  case trace(path: String)
  /// A file of prompts.
  case jsonl(path: String)

  package static let names = "random, prefix_repetition, trace:FILE, jsonl:FILE"

  package init(parsing text: String) throws {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    switch (parts.first, parts.count) {
    case ("random", 1): self = .random
    case ("prefix_repetition", 1): self = .prefixRepetition
    case ("trace", 2): self = .trace(path: parts[1])
    case ("jsonl", 2): self = .jsonl(path: parts[1])
    default: throw DatasetError.unknown(text)
    }
  }

  package var description: String {
    switch self {
    case .random: "random"
    case .prefixRepetition: "prefix_repetition"
    case .trace(let path): "trace:\(path)"
    case .jsonl(let path): "jsonl:\(path)"
    }
  }

  /// The file it is read from.
  package var path: String? {
    switch self {
    case .trace(let path), .jsonl(let path): path
    default: nil
    }
  }

  /// Whether it says how long answers are: then they should not end before.
  package var fixesOutputLength: Bool {
    if case .jsonl = self { false } else { true }
  }

  /// The requests, in the order in which they are sent; `text` is the content of the file.
  package func requests(_ options: DatasetOptions, text: String = "") throws -> [LoadRequest] {
    switch self {
    case .random: return SyntheticDataset(options).random()
    case .prefixRepetition: return SyntheticDataset(options).prefixRepetition()
    case .trace(let path):
      return try TraceDataset(path: path, text: text).requests(options)
    case .jsonl(let path):
      return try PromptFile(path: path, text: text).requests(options)
    }
  }
}

/// The lengths and counts that a dataset is made with; lengths are tokens.
package struct DatasetOptions: Sendable {
  package var inputLength = 1024
  package var outputLength = 128
  /// Lengths are drawn evenly from between `1 - rangeRatio` and `1 + rangeRatio` of what is given.
  package var rangeRatio = 0.0
  package var prefixLength = 256
  package var suffixLength = 256
  package var prefixCount = 10
  /// Requests; nil means 1000, or all of a file.
  package var count: Int?
  /// What the times of a trace are multiplied by.
  package var timeScale = 1.0
  package var seed: UInt64 = 0

  package init() {}
}

package enum DatasetError: Error, Equatable, CustomStringConvertible {
  case unknown(String)
  case malformed(path: String, line: Int, reason: String)
  case empty(path: String)

  package var description: String {
    switch self {
    case .unknown(let text): "there is no dataset '\(text)'; valid: \(Dataset.names)"
    case .malformed(let path, let line, let reason): "\(path), line \(line): \(reason)"
    case .empty(let path): "\(path) has no requests"
    }
  }
}

/// Datasets that need no file.
struct SyntheticDataset {
  private static let defaultCount = 1000

  private let options: DatasetOptions
  private var count: Int { options.count ?? Self.defaultCount }

  init(_ options: DatasetOptions) { self.options = options }

  /// Prompts that share nothing.
  func random() -> [LoadRequest] {
    var source = RandomSource(seed: options.seed)
    return (0..<count).map { _ in
      let part = PromptPart(seed: source.next(), tokens: length(options.inputLength, &source))
      return LoadRequest(parts: [part], outputTokens: length(options.outputLength, &source))
    }
  }

  /// Prompts that begin with one of a few prefixes and end with a suffix of their own, in random order.
  func prefixRepetition() -> [LoadRequest] {
    var source = RandomSource(seed: options.seed)
    let prefixes = (0..<min(options.prefixCount, max(1, count))).map { _ in
      PromptPart(seed: source.next(), tokens: options.prefixLength)
    }
    let requests = (0..<count).map { index in
      let suffix = PromptPart(seed: source.next(), tokens: options.suffixLength)
      return LoadRequest(
        parts: [prefixes[index % prefixes.count], suffix], outputTokens: options.outputLength)
    }
    return requests.shuffled(using: &source)
  }

  private func length(_ middle: Int, _ source: inout RandomSource) -> Int {
    guard options.rangeRatio > 0 else { return middle }
    let spread = Int(Double(middle) * options.rangeRatio)
    return max(1, Int.random(in: middle - spread...middle + spread, using: &source))
  }
}
