import Apus
import ApusCore
import ApusEngine

/// One row of `apus bench throughput`: either a prompt to read or tokens to write.
struct ThroughputCase {
  let prompt: Int
  let answer: Int
  let depth: Int

  var name: String {
    (answer > 0 ? "tg\(answer)" : "pp\(prompt)") + (depth > 0 ? "@d\(depth)" : "")
  }

  var contextLength: Int { max(1, depth) + prompt + answer + 1 }

  /// Runs the row once with random tokens.
  func measure(_ engine: Engine, seed: UInt64) async throws -> ThroughputSample {
    answer > 0 ? try await write(engine, seed) : try await read(engine, seed)
  }

  /// The time from the first token to the last, which is that of `answer` steps.
  private func write(_ engine: Engine, _ seed: UInt64) async throws -> ThroughputSample {
    var request = GenerationRequest(prompt: tokens(max(1, depth), engine, seed))
    request.maxTokens = answer + 1
    var time = Duration.zero
    for try await event in engine.generate(request) {
      if case .finished(_, let timings) = event { time = timings.decode }
    }
    return ThroughputSample(tokens: answer, time: time)
  }

  /// The time to the first token, less that of the tokens before; a step across the border counts in part.
  private func read(_ engine: Engine, _ seed: UInt64) async throws -> ThroughputSample {
    var request = GenerationRequest(prompt: tokens(depth + prompt, engine, seed))
    request.maxTokens = 1
    var before = Duration.zero
    var last = (tokens: 0, time: Duration.zero)
    var time = Duration.zero
    for try await event in engine.generate(request) {
      switch event {
      case .progress(let progress):
        if last.tokens < depth, progress.processed >= depth {
          let part = Double(depth - last.tokens) / Double(progress.processed - last.tokens)
          before = last.time + (progress.elapsed - last.time) * part
        }
        last = (progress.processed, progress.elapsed)
      case .finished(_, let timings): time = timings.prefill
      default: break
      }
    }
    return ThroughputSample(tokens: prompt, time: time - before)
  }

  private func tokens(_ count: Int, _ engine: Engine, _ seed: UInt64) -> [TokenID] {
    var source = RandomSource(seed: seed)
    let size = TokenID(engine.modelConfiguration.shape.vocabularySize)
    return (0..<count).map { _ in TokenID.random(in: 0..<size, using: &source) }
  }
}

/// How long some tokens took.
struct ThroughputSample {
  let tokens: Int
  let time: Duration

  var rate: Double { time > .zero ? Double(tokens) / time.seconds : 0 }
}

/// Rows in the form of `llama-bench`.
struct ThroughputReport {
  private let language: LanguageModel
  private let configuration: EngineConfiguration
  private let threads: Int

  init(_ language: LanguageModel, configuration: EngineConfiguration, threads: Int) {
    self.language = language
    self.configuration = configuration
    self.threads = threads
  }

  var header: String {
    let size = ByteCount(language.checkpoint.weightByteCount)
    return "\(language.reference), \(size), \(threads) threads, \(language.engine.instructionSet)\n"
      + "load \(language.loadTime.seconds.formatted(decimals: 2)) s\n"
  }

  func line(_ item: ThroughputCase, _ samples: [ThroughputSample]) -> String {
    let (mean, deviation) = Self.statistics(samples.map(\.rate))
    let name = item.name + String(repeating: " ", count: max(0, 16 - item.name.count))
    return
      "\(name) \(mean.formatted(decimals: 2)) ± \(deviation.formatted(decimals: 2)) tokens per second"
  }

  func row(_ item: ThroughputCase, _ samples: [ThroughputSample]) -> JSONValue {
    let rates = samples.map(\.rate)
    let times = samples.map { $0.time.seconds * 1e9 }
    let (meanRate, rateDeviation) = Self.statistics(rates)
    let (meanTime, timeDeviation) = Self.statistics(times)
    let model = language.checkpoint.configuration
    return [
      "test": .string(item.name), "model": .string(language.reference.description),
      "model_type": .string("\(model.architecture) \(model.name)"),
      "model_size": .integer(Int64(language.checkpoint.weightByteCount)),
      "n_threads": .integer(Int64(threads)),
      "n_batch": .integer(Int64(configuration.maxBatchedTokens)),
      "type_k": .string(configuration.keyFormat), "type_v": .string(configuration.valueFormat),
      "precision": .string(configuration.precision.rawValue),
      "quantize": (configuration.quantization?.rawValue).map { .string($0) } ?? .null,
      "isa": .string(language.engine.instructionSet),
      "load_ns": .integer(Int64(language.loadTime.seconds * 1e9)),
      "n_prompt": .integer(Int64(item.prompt)), "n_gen": .integer(Int64(item.answer)),
      "n_depth": .integer(Int64(item.depth)), "avg_ns": .integer(Int64(meanTime)),
      "stddev_ns": .integer(Int64(timeDeviation)), "avg_ts": .number(meanRate.rounded3),
      "stddev_ts": .number(rateDeviation.rounded3),
      "samples_ns": .array(times.map { .integer(Int64($0)) }),
      "samples_ts": .array(rates.map { .number($0.rounded3) }),
    ]
  }

  /// Mean and sample standard deviation.
  static func statistics(_ values: [Double]) -> (mean: Double, deviation: Double) {
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    guard values.count > 1 else { return (mean, 0) }
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (squares / Double(values.count - 1)).squareRoot())
  }
}
