import ApusCompute
import ApusCore
import ApusEngine
import ApusModels
import Foundation
import Testing

/// The promise of docs/architecture.md: what else is in the batch, how the prompt is cut, how many threads run and
/// whether a request was preempted changes no bit of its greedy answer.
@Suite struct ExactnessContractTests {
  static let promptLength = 600
  static let answerLength = 24

  /// Tokens and the bits of their log-probabilities.
  struct Answer: Equatable {
    var tokens: [TokenID] = []
    var logprobs: [UInt32] = []
    var promptLogprobs: [UInt32] = []
  }

  static func prompt(_ seed: UInt64, length: Int, vocabulary: Int) -> [TokenID] {
    var random = RandomSource(seed: seed)
    return (0..<length).map { _ in TokenID(random.next() % UInt64(vocabulary)) }
  }

  static func ask(_ engine: Engine, seed: UInt64, length: Int, scored: Bool = false) async throws
    -> Answer
  {
    var request = GenerationRequest(
      prompt: prompt(
        seed, length: length, vocabulary: engine.modelConfiguration.shape.vocabularySize))
    request.maxTokens = answerLength
    request.logprobs = 2
    if scored { request.promptLogprobs = 0 }
    var answer = Answer()
    for try await event in engine.generate(request) {
      switch event {
      case .token(let token):
        answer.tokens.append(token.id)
        answer.logprobs.append(token.logprobs!.chosen.logprob.bitPattern)
      case .promptLogprobs(let scores):
        answer.promptLogprobs = scores.map(\.chosen.logprob.bitPattern)
      default: break
      }
    }
    return answer
  }

  static func engine(
    threads: Int, chunk: Int, precision: Precision = .quantized, kvFormat: String = "f16",
    kvPages: Int? = nil, sequences: Int = 8
  ) throws -> Engine {
    var configuration = EngineConfiguration()
    configuration.threadCount = threads
    configuration.maxBatchedTokens = chunk
    configuration.maxSequences = sequences
    configuration.precision = precision
    configuration.keyFormat = kvFormat
    configuration.valueFormat = kvFormat
    configuration.contextLength = 1024
    let checkpoint = try Checkpoint.open(Reader.path)
    if let kvPages {
      let shape = checkpoint.configuration.shape
      let geometry = KVGeometry(
        layerCount: shape.layerCount, headCount: shape.kvHeadCount,
        headDimension: shape.headDimension, key: .f16, value: .f16)
      configuration.kvMemory = ByteCount(kvPages * geometry.blockByteCount)
    }
    return try Engine(checkpoint, configuration: configuration)
  }

  @Test(arguments: [Precision.quantized, .full])
  func aloneOrInBatches(_ precision: Precision) async throws {
    let reference = try await Self.ask(
      Self.engine(threads: 1, chunk: 512, precision: precision), seed: 1,
      length: Self.promptLength, scored: true)
    #expect(reference.tokens.count == Self.answerLength)
    #expect(reference.promptLogprobs.count == Self.promptLength - 1)
    for threads in [1, 2] {
      for chunk in [1, 7, 64, 512] where precision == .quantized || chunk == 64 {
        let engine = try Self.engine(threads: threads, chunk: chunk, precision: precision)
        for batch in [1, 2, 5, 8] where chunk > 1 || batch == 2 {
          let answers = try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
            for member in 0..<batch {
              group.addTask {
                // The others differ in content and length.
                let answer = try await Self.ask(
                  engine, seed: UInt64(member + 1),
                  length: member == 0 ? Self.promptLength : 37 * member, scored: member == 0)
                return (member, answer)
              }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
          }
          #expect(
            answers[0] == reference, "\(threads) threads, chunks of \(chunk), \(batch) at once")
        }
      }
    }
  }

  @Test(arguments: ["f16", "bf16", "f32"])
  func preemption(_ format: String) async throws {
    let length = 300
    let reference = try await Self.ask(
      Self.engine(threads: 2, chunk: 64, kvFormat: format), seed: 9, length: length)
    // Room for three of the six sequences at their full length only (f16 pages; f32 ones are twice as large).
    let engine = try Self.engine(
      threads: 2, chunk: 64, kvFormat: format, kvPages: format == "f32" ? 70 : 34)
    let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
      for _ in 0..<6 {
        group.addTask { try await Self.ask(engine, seed: 9, length: length) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(answers.allSatisfy { $0 == reference })
    await engine.synchronize()
    #expect(engine.statistics.usedPages == 0)
  }
}
