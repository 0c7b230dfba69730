import ApusAttention
import ApusCore
import ApusEngine
import ApusKV
import ApusModels
import Foundation
import Testing

/// Requests that do not keep, or do not read, all of their keys and values.
@Suite(.serialized) struct KVMethodTests {
  private func engine(_ change: (inout EngineConfiguration) -> Void = { _ in }) throws -> Engine {
    var configuration = EngineConfiguration()
    configuration.contextLength = 1024
    configuration.threadCount = 2
    configuration.maxBatchedTokens = 128
    configuration.limitsStepTime = false
    change(&configuration)
    return try Engine(Checkpoint.open(Reader.path), configuration: configuration)
  }

  private struct Answer {
    var tokens: [TokenID] = []
    var timings = GenerationTimings()
  }

  private func answer(_ engine: Engine, _ request: GenerationRequest) async throws -> Answer {
    var answer = Answer()
    for try await event in engine.generate(request) {
      switch event {
      case .token(let token): answer.tokens.append(token.id)
      case .finished(_, let timings): answer.timings = timings
      default: break
      }
    }
    return answer
  }

  private func request(
    _ count: Int, max: Int = 24, policy: String? = nil, selector: String? = nil, seed: Int = 0
  ) throws -> GenerationRequest {
    var request = GenerationRequest(
      prompt: (0..<count).map { TokenID(($0 * 7919 + $0 / 3 * 31 + seed * 613) % 4000 + 64) })
    request.maxTokens = max
    request.kvMethods = try KVMethods(policy: policy, selector: selector)
    return request
  }

  /// A pattern of 8 layers with 2 heads for the policies that need one.
  private func withPattern(
    _ pattern: String = String(repeating: "1\t0\n", count: 8), _ body: (String) async throws -> Void
  ) async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).tsv")
    try Data(pattern.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    try await body(file.path)
  }

  private func text(_ name: String, budget: Int, heads: String) -> String {
    switch name {
    case "duo": "duo:sinks=4,recent=\(budget - 4),heads=\(heads)"
    case "razor": "razor:budget=\(budget),heads=\(heads)"
    case "snapkv", "pyramid", "adaptive", "speckv": "\(name):budget=\(budget),window=8"
    case "sirllm": "sirllm:budget=\(budget),recent=16"
    default: "\(name):budget=\(budget)"
    }
  }

  private let draft: DraftAnswer = { prompt, count in Array(prompt.prefix(count)) }

  @Test func whatHasRoomChangesNothing() async throws {
    let engine = try engine { $0.draft = draft }
    let exact = try await answer(engine, request(300)).tokens
    try await withPattern { heads in
      for name in KVPolicies.catalog.names {
        let answer = try await answer(
          engine, request(300, policy: text(name, budget: 500, heads: heads)))
        #expect(answer.tokens == exact, "\(name)")
        #expect(answer.timings.methods == [], "\(name)")
      }
    }
    for name in KeySelectors.catalog.names {
      let answer = try await answer(engine, request(300, selector: "\(name):budget=512"))
      #expect(answer.tokens == exact, "\(name)")
      #expect(answer.timings.methods == [], "\(name)")
    }
  }

  @Test func eachPolicyEvicts() async throws {
    let engine = try engine { $0.draft = draft }
    let whole = 37.0 * 32  // what 600 + 24 tokens would take, in tokens per head, is less
    try await withPattern { heads in
      for name in KVPolicies.catalog.names {
        let policy = text(name, budget: 100, heads: heads)
        let answer = try await answer(engine, request(600, policy: policy))
        #expect(answer.tokens.count == 24, "\(name)")
        let expected = ["kv-policy:" + policy]
        #expect(answer.timings.methods == expected, "\(name)")
        let kept = answer.timings.kv.keptTokens
        switch name {
        case "minicache": #expect(kept > 600 && kept < whole)
        // One of two heads keeps everything.
        case "duo": #expect(kept > 340 && kept < 400, "\(name) keeps \(kept)")
        case "razor": #expect(kept > 360 && kept < 420, "\(name) keeps \(kept)")
        default: #expect(kept >= 90 && kept <= 140, "\(name) keeps \(kept)")
        }
      }
    }
    await engine.synchronize()
    #expect(engine.statistics.usedPages == 0)
  }

  @Test func eachSelectorReadsLess() async throws {
    let engine = try engine()
    for name in KeySelectors.catalog.names {
      let selector = "\(name):budget=128"
      let answer = try await answer(engine, request(800, selector: selector))
      #expect(answer.tokens.count == 24)
      let expected = ["select:" + selector]
      #expect(answer.timings.methods == expected)
      let read = answer.timings.kv.pagesRead
      #expect(read > 2 && read < 24, "\(name)")
      #expect(answer.timings.kv.keptTokens == 823, "\(name)")
    }
  }

  @Test func aPolicyAndASelectorRunTogether() async throws {
    let engine = try engine {
      $0.keyFormat = "q8_0"
      $0.valueFormat = "q4_0"
    }
    let answer = try await answer(
      engine, request(900, policy: "snapkv:budget=400,window=8", selector: "quest:budget=128"))
    let expected = [
      "cache-type-k:q8_0", "cache-type-v:q4_0", "kv-policy:snapkv:budget=400,window=8",
      "select:quest:budget=128",
    ]
    #expect(answer.timings.methods == expected)
    #expect(answer.timings.kv.keptTokens == 423)
    #expect(answer.timings.kv.pagesRead < 6)
  }

  @Test func memoryIsGivenBack() async throws {
    let engine = try engine { $0.prefixCache = false }
    var pages: [Int] = []
    var running = try request(900, max: 40, policy: "snapkv:budget=180,window=8")
    running.sampling.temperature = 0
    for try await event in engine.generate(running) {
      if case .token = event {
        await engine.synchronize()
        pages.append(engine.statistics.usedPages)
      }
    }
    #expect(pages.max()! <= 8, "a fifth of 29 pages, and room for the answer: \(pages)")
  }

  /// A text that fills the memory of the only sequence can still be cut back.
  @Test func aPolicyHasRoomToBegin() async throws {
    let policy = try KVMethods(policy: "snapkv:budget=0.2,window=8", selector: nil)
    let engine = try engine {
      $0.maxSequences = 1
      $0.kvMethods = policy
      $0.prefixCache = false
    }
    var full = try request(1000)
    full.kvMethods = nil
    let kept = try await answer(engine, full).timings.kv.keptTokens
    #expect(kept > 200 && kept < 240, "\(kept)")
  }

  @Test func streamingGoesOnBeyondTheContext() async throws {
    let engine = try engine { $0.contextLength = 512 }
    for policy in [
      "streaming:budget=128", "window:budget=128", "h2o:budget=128", "sirllm:budget=128,recent=64",
    ] {
      let answer = try await answer(engine, request(1500, max: 700, policy: policy))
      #expect(answer.tokens.count == 700, "\(policy)")
      #expect(answer.timings.kv.keptTokens <= 161, "\(policy)")
    }
    await #expect(throws: EngineError.promptTooLong(tokens: 1500, contextLength: 512)) {
      _ = try await answer(engine, request(1500, policy: "snapkv:budget=128"))
    }
  }

  @Test func answersMayHaveAnyLimit() async throws {
    let engine = try engine { $0.draft = { _, _ in [] } }
    // A draft that says nothing leaves nothing to observe.
    let silent = try await answer(engine, request(300, policy: "speckv:budget=100,window=8"))
    #expect(silent.tokens.count == 24)
    for try await event in engine.generate(try request(300, policy: "window:budget=100")) {
      if case .token(let token) = event {
        #expect(token.methods == ["kv-policy:window:budget=100"], "known before the end")
      }
    }
    let stream = engine.generate(
      try request(300, max: .max, policy: "streaming:budget=100"))
    var count = 0
    for try await event in stream {
      if case .token = event { count += 1 }
      if count == 50 { break }
    }
    #expect(count == 50)
  }

  @Test func othersInTheBatchDoNotNotice() async throws {
    let engine = try engine { $0.maxSequences = 8 }
    let exact = try await answer(engine, request(500, seed: 1)).tokens
    async let first = answer(engine, request(500, seed: 1))
    async let evicting = answer(engine, request(700, policy: "h2o:budget=64", seed: 2))
    async let selecting = answer(engine, request(700, selector: "tokenselect:budget=96", seed: 3))
    async let second = answer(engine, request(500, seed: 1))
    #expect(try await first.tokens == exact)
    #expect(try await second.tokens == exact)
    #expect(try await evicting.tokens.count == 24)
    #expect(try await selecting.tokens.count == 24)
  }

  @Test func preemptedRequestsEndAsWell() async throws {
    let engine = try engine {
      $0.contextLength = 512
      $0.kvMemory = ByteCount(17 * 32 * 8 * 2 * 64 * 4 + (1 << 16))
      $0.maxSequences = 4
    }
    try await withThrowingTaskGroup(of: Int.self) { group in
      for seed in 0..<6 {
        group.addTask {
          let policy = seed % 2 == 0 ? "snapkv:budget=100,window=8" : "streaming:budget=100"
          return try await answer(
            engine, request(300, max: 150, policy: policy, seed: seed)
          ).tokens.count
        }
      }
      for try await count in group { #expect(count == 150) }
    }
    await engine.synchronize()
    #expect(engine.statistics.usedPages == 0)
  }

  @Test func optionsThatDoNotFitTheModel() async throws {
    try await withPattern("1\t0\n0\t1\n") { heads in
      let methods = try KVMethods(policy: "duo:heads=\(heads)", selector: nil)
      #expect(throws: EngineError.self) { try self.engine { $0.kvMethods = methods } }
      let usual = try self.engine()
      var bad = try request(20)
      bad.kvMethods = methods
      await #expect(throws: EngineError.self) { try await answer(usual, bad) }
    }
    let engine = try engine()
    await #expect(throws: EngineError.noDraft("builtin:reader-draft")) {
      _ = try await answer(engine, request(300, policy: "speckv:budget=100"))
    }
    await #expect(throws: EngineError.self) {
      _ = try await answer(engine, request(300, policy: "gemfilter:layer=20"))
    }
  }
}
