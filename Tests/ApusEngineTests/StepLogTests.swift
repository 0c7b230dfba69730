import ApusCore
import ApusEngine
import ApusModels
import Testing

/// What is told of the last steps.
@Suite(.serialized) struct StepLogTests {
  @Test func theLastStepsAreKeptInOrder() async throws {
    var configuration = EngineConfiguration()
    configuration.contextLength = 512
    configuration.threadCount = 1
    let engine = try Engine(Checkpoint.open(Reader.path), configuration: configuration)
    #expect(engine.recentSteps.isEmpty)
    func run(_ tokens: Int) async throws {
      var request = GenerationRequest(prompt: (0..<20).map { TokenID($0 + 10) })
      request.maxTokens = tokens
      for try await _ in engine.generate(request) {}
      await engine.synchronize()
    }
    try await run(10)
    let few = engine.recentSteps
    #expect(few.map(\.number) == Array(1...10))
    #expect(few.map(\.prefillTokens) == [20] + Array(repeating: 0, count: 9))
    #expect(few.map(\.decodeTokens) == [0] + Array(repeating: 1, count: 9))
    #expect(few.map(\.prefills) == [1] + Array(repeating: 0, count: 9))
    #expect(few.allSatisfy { $0.waiting == 0 && $0.seconds > 0 })

    try await run(400)
    let many = engine.recentSteps
    let last = engine.statistics.counters.steps
    #expect(last > 256)
    #expect(many.map(\.number) == Array(last - 255...last))
    #expect(zip(many, many.dropFirst()).allSatisfy { $0.start < $1.start })
    await engine.shutdown()
  }
}
