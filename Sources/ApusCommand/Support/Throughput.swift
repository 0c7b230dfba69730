import Apus
import ApusCore
import ApusEngine

/// One row of `apus bench throughput`: either a prompt to read or tokens to write.
struct ThroughputCase {
  let prompt: Int
  let answer: Int
  let depth: Int
  /// Sequences that write at once.
  var batch = 1
  /// Tokens of one step of the engine.
  var stepTokens = 1

  var name: String {
    let kind = answer > 0 ? "tg\(answer)" : "pp\(prompt)"
    return kind + (batch > 1 ? "x\(batch)" : "") + (depth > 0 ? "@d\(depth)" : "")
  }

  var contextLength: Int { max(1, depth) + prompt + answer + lead + 1 }

  /// Tokens that the first sequence of a batch may be ahead of the last: one for each step that the others' prompts
  /// take, and some for the time that posting the requests takes.
  private var lead: Int {
    batch == 1 ? 0 : 256 + (batch - 1) * (depth / max(1, stepTokens - batch) + 1)
  }

  /// Runs the row once with random tokens.
  func measure(_ engine: Engine, seed: UInt64) async throws -> ThroughputSample {
    answer > 0 ? try await write(engine, seed) : try await read(engine, seed)
  }

  /// The time from the first token to the last, which is that of `answer` steps, of the sequence that starts last.
  ///
  /// Requests start in the order in which they are posted, and one that writes takes part in each step: while the last
  /// one writes its tokens, each of the others writes as many.
  private func write(_ engine: Engine, _ seed: UInt64) async throws -> ThroughputSample {
    var requests = (0..<batch).map {
      GenerationRequest(
        prompt: tokens(max(1, depth), engine, seed &* UInt64(batch) &+ UInt64($0)))
    }
    for index in requests.indices { requests[index].maxTokens = answer + 1 + lead }
    requests[batch - 1].maxTokens = answer + 1
    let preemptions = engine.statistics.counters.preemptions
    let streams = requests.map { engine.generate($0) }
    var last = GenerationTimings()
    for try await event in streams[batch - 1] {
      if case .finished(_, let timings) = event { last = timings }
    }
    await engine.synchronize()
    let statistics = engine.statistics
    guard
      statistics.running == batch - 1, statistics.counters.preemptions == preemptions
    else { throw ThroughputError.interrupted(name) }
    // The others end with their streams.
    withExtendedLifetime(streams) {}
    return ThroughputSample(tokens: batch * answer, time: last.decode, timings: last)
  }

  /// The time to the first token, less that of the tokens before; a step across the border counts in part.
  private func read(_ engine: Engine, _ seed: UInt64) async throws -> ThroughputSample {
    var request = GenerationRequest(prompt: tokens(depth + prompt, engine, seed))
    request.maxTokens = 1
    var before = Duration.zero
    var last = (tokens: 0, time: Duration.zero)
    var whole = GenerationTimings()
    for try await event in engine.generate(request) {
      switch event {
      case .progress(let progress):
        if last.tokens < depth, progress.processed >= depth {
          let part = Double(depth - last.tokens) / Double(progress.processed - last.tokens)
          before = last.time + (progress.elapsed - last.time) * part
        }
        last = (progress.processed, progress.elapsed)
      case .finished(_, let timings): whole = timings
      default: break
      }
    }
    return ThroughputSample(tokens: prompt, time: whole.prefill - before, timings: whole)
  }

  private func tokens(_ count: Int, _ engine: Engine, _ seed: UInt64) -> [TokenID] {
    var source = RandomSource(seed: seed)
    let size = TokenID(engine.modelConfiguration.shape.vocabularySize)
    return (0..<count).map { _ in TokenID.random(in: 0..<size, using: &source) }
  }
}

enum ThroughputError: Error, CustomStringConvertible {
  case interrupted(String)

  var description: String {
    switch self {
    case .interrupted(let name):
      "not all sequences of \(name) were written at once; give more --kv-memory or a smaller --batch"
    }
  }
}

/// How long some tokens took.
struct ThroughputSample {
  let tokens: Int
  let time: Duration
  /// Those of the request, or of the last one that was started.
  let timings: GenerationTimings

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
    var row = JSONObject([
      ("test", .string(item.name)), ("model", .string(language.reference.description)),
      ("model_type", .string("\(model.architecture) \(model.name)")),
      ("model_size", .integer(Int64(language.checkpoint.weightByteCount))),
      ("n_threads", .integer(Int64(threads))),
      ("n_batch", .integer(Int64(configuration.maxBatchedTokens))),
      ("type_k", .string(configuration.keyFormat)), ("type_v", .string(configuration.valueFormat)),
      ("precision", .string(configuration.precision.rawValue)),
      ("quantize", (configuration.quantization?.rawValue).map { .string($0) } ?? .null),
      ("isa", .string(language.engine.instructionSet)),
      ("load_ns", .integer(Int64(language.loadTime.seconds * 1e9))),
      ("n_prompt", .integer(Int64(item.prompt))), ("n_gen", .integer(Int64(item.answer))),
      ("n_depth", .integer(Int64(item.depth))), ("n_batch_size", .integer(Int64(item.batch))),
      ("avg_ns", .integer(Int64(meanTime))), ("stddev_ns", .integer(Int64(timeDeviation))),
      ("avg_ts", .number(meanRate.rounded3)), ("stddev_ts", .number(rateDeviation.rounded3)),
      ("samples_ns", .array(times.map { .integer(Int64($0)) })),
      ("samples_ts", .array(rates.map { .number($0.rounded3) })),
    ])
    samples.last?.timings.addMethods(to: &row)
    return .object(row)
  }

  /// Mean and sample standard deviation.
  static func statistics(_ values: [Double]) -> (mean: Double, deviation: Double) {
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    guard values.count > 1 else { return (mean, 0) }
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (squares / Double(values.count - 1)).squareRoot())
  }
}
