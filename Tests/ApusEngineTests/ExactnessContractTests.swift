import ApusCompute
import ApusCore
import ApusEngine
import ApusModels
import ApusScheduling
import Foundation
import Testing

/// The promise of docs/architecture.md: what else is in the batch, how the prompt is cut, how many threads run and
/// whether a request was preempted changes no bit of its greedy answer.
@Suite(.serialized) struct ExactnessContractTests {
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
    try await ask(
      engine,
      prompt(seed, length: length, vocabulary: engine.modelConfiguration.shape.vocabularySize),
      scored: scored)
  }

  static func ask(_ engine: Engine, _ prompt: [TokenID], scored: Bool = false) async throws
    -> Answer
  {
    var request = GenerationRequest(prompt: prompt)
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
    kvPages: Int? = nil, sequences: Int = 8, change: (inout EngineConfiguration) -> Void = { _ in }
  ) throws -> Engine {
    var configuration = EngineConfiguration()
    configuration.limitsStepTime = false
    configuration.threadCount = threads
    configuration.maxBatchedTokens = chunk
    configuration.maxSequences = sequences
    configuration.precision = precision
    configuration.keyFormat = kvFormat
    configuration.valueFormat = kvFormat
    configuration.contextLength = 1024
    change(&configuration)
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

  /// Prompts of several lengths filled up to the longest.
  @Test func padding() async throws {
    let packed = try Self.engine(threads: 2, chunk: 512)
    let padded = try Self.engine(threads: 2, chunk: 512) { $0.prefillBatching = .padded }
    let prompts = (1...6).map {
      Self.prompt(
        UInt64($0), length: 37 * $0,
        vocabulary: packed.modelConfiguration.shape.vocabularySize)
    }
    #expect(try await Self.askAll(padded, prompts) == Self.askAll(packed, prompts))
  }

  @Test(arguments: ["f16", "bf16", "f32"])
  func preemption(_ format: String) async throws {
    let length = 300
    let free = try Self.engine(threads: 2, chunk: 64, kvFormat: format)
    var references: [Answer] = []
    for seed in 9..<15 {
      references.append(try await Self.ask(free, seed: UInt64(seed), length: length))
    }
    // Room for three of the six prompts, but not for an answer beside them (f16 pages; f32 ones are twice as large).
    let engine = try Self.engine(
      threads: 2, chunk: 64, kvFormat: format, kvPages: format == "f32" ? 60 : 30
    ) { $0.contextLength = 640 }
    let answers = try await Self.askAll(
      engine,
      (9..<15).map {
        Self.prompt(
          UInt64($0), length: length,
          vocabulary: engine.modelConfiguration.shape.vocabularySize)
      })
    #expect(answers == references)
    await engine.synchronize()
    #expect(engine.statistics.usedPages == 0)
    #expect(engine.statistics.counters.preemptions > 0)
  }

  /// Turns of conversations that push each other out of the pages, with copies in memory and in a file.
  @Test(arguments: [false, true])
  func swapping(toFile: Bool) async throws {
    let free = try Self.engine(threads: 2, chunk: 256)
    let folder = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let engine = try Self.engine(threads: 2, chunk: 256, kvPages: 40) {
      $0.swapSpace = ByteCount(1 << 30)
      if toFile { $0.swapDirectory = folder.path }
    }
    let vocabulary = engine.modelConfiguration.shape.vocabularySize
    var texts = (0..<4).map { Self.prompt(UInt64(20 + $0), length: 400, vocabulary: vocabulary) }
    for turn in 0..<3 {
      for index in texts.indices {
        let answer = try await Self.ask(engine, texts[index])
        #expect(try await Self.ask(free, texts[index]) == answer, "turn \(turn), text \(index)")
        texts[index] += answer.tokens + [TokenID(60 + turn)]
      }
    }
    let counters = engine.statistics.counters
    #expect(counters.swappedPages > 0)
    // 4 texts of 13 pages do not fit in 40, and yet what was read is mostly there when they come again.
    #expect(counters.cachedTokens > 4 * 400)
    let answers = try await Self.askAll(engine, texts)
    for (index, text) in texts.enumerated() {
      #expect(try await Self.ask(free, text) == answers[index])
    }
  }

  /// All at once; the answers in the order of the prompts.
  static func askAll(_ engine: Engine, _ prompts: [[TokenID]]) async throws -> [Answer] {
    try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
      for (index, prompt) in prompts.enumerated() {
        group.addTask { (index, try await ask(engine, prompt)) }
      }
      var answers = Array(repeating: Answer(), count: prompts.count)
      for try await (index, answer) in group { answers[index] = answer }
      return answers
    }
  }

  /// Prompts that begin alike, at once and one after the other, whether pages are shared and read together or not.
  @Test(arguments: ["f16", "q8_0"])
  func sharedPrefixes(_ format: String) async throws {
    func engine(_ change: (inout EngineConfiguration) -> Void) throws -> Engine {
      try Self.engine(threads: 2, chunk: 256, kvFormat: format) {
        $0.contextLength = 2048
        change(&$0)
      }
    }
    let separate = try engine { $0.prefixCache = false }
    let common = Self.prompt(
      3, length: 1100, vocabulary: separate.modelConfiguration.shape.vocabularySize)
    // The last tokens differ, a page in the middle, and the length; one is the beginning of others.
    var prompts = (0..<4).map { common + [TokenID(40 + $0)] }
    prompts.append(Array(common.prefix(700)) + [50, 51] + common.suffix(20))
    prompts.append(Array(common.prefix(608)))
    prompts.append(common)
    var references: [Answer] = []
    for prompt in prompts { references.append(try await Self.ask(separate, prompt)) }
    for together in [true, false] {
      let engine = try engine { $0.sharedPrefixAttention = together }
      for round in 0..<2 {
        let answers = try await Self.askAll(engine, prompts)
        #expect(answers == references, "read together: \(together), round \(round)")
      }
      let counters = engine.statistics.counters
      #expect(counters.cachedTokens > 1000 * 4 + (1000 * 5 + 1200))
      #expect(counters.promptTokens == 2 * prompts.reduce(0) { $0 + $1.count })
    }
  }

  /// Steps whose size is ruled by the clock, under every policy.
  @Test(arguments: SchedulingPolicies.catalog.names)
  func policies(_ policy: String) async throws {
    let engine = try Self.engine(threads: 2, chunk: 256, sequences: 3) {
      $0.limitsStepTime = true
      $0.tokenLatencyTarget = .milliseconds(5)
      $0.schedulingPolicy = policy
    }
    let prompts = (0..<6).map {
      Self.prompt(
        UInt64($0 % 4), length: 60 + 50 * ($0 % 4),
        vocabulary: engine.modelConfiguration.shape.vocabularySize)
    }
    let reference = try Self.engine(threads: 1, chunk: 512) { $0.prefixCache = false }
    var references: [Answer] = []
    for prompt in prompts { references.append(try await Self.ask(reference, prompt)) }
    #expect(try await Self.askAll(engine, prompts) == references)
  }
}
