import ApusCore
import ApusScheduling
import Testing

/// Steps that are limited by time.
@Suite(.serialized) struct StepCostTests {
  private func scheduler(pair: Double = 0) -> Scheduler {
    var configuration = SchedulerConfiguration(
      maxSequences: 8, maxBatchedTokens: 512, pageCount: 4096, pageSize: 4)
    configuration.cost = StepCost(step: 0.004, token: 0.001, pair: pair)
    configuration.stepTime = 0.05
    configuration.quietStepTime = 0.2
    return Scheduler(configuration)
  }

  private func prompt(_ count: Int, _ seed: Int) -> [TokenID] {
    (0..<count).map { TokenID(seed * 10_000 + $0) }
  }

  @Test func promptsGetWhatAnswersLeave() {
    var scheduler = scheduler()
    scheduler.add(Sequence(id: 1, prompt: prompt(4, 1)))
    scheduler.update(scheduler.schedule(), sampled: [1: 5])
    scheduler.add(Sequence(id: 2, prompt: prompt(2000, 2)))
    let batch = scheduler.schedule()
    // 50 ms: 4 for the step, 1 for the answer, 45 tokens of the prompt.
    #expect(batch.items.map(\.range) == [4..<5, 0..<45])
    #expect(abs(batch.expectedTime.total - 0.05) < 1e-9)
    scheduler.remove(1)
    #expect(scheduler.schedule().items.map(\.range.count) == [196])
  }

  @Test func deepPromptsComeInSmallerChunks() {
    var scheduler = scheduler(pair: 1e-6)
    scheduler.add(Sequence(id: 1, prompt: prompt(4, 1)))
    scheduler.update(scheduler.schedule(), sampled: [1: 5])
    scheduler.add(Sequence(id: 2, prompt: prompt(8000, 2)))
    var chunks: [Int] = []
    while true {
      let batch = scheduler.schedule()
      chunks.append(batch.items.last!.range.count)
      #expect(batch.expectedTime.total < 0.0501)
      if batch.items.last!.samples { break }
      scheduler.update(batch, sampled: [1: 5])
    }
    #expect(chunks.first! == 44)
    #expect(zip(chunks, chunks.dropFirst()).allSatisfy { $0 >= $1 })
    #expect(chunks[chunks.count - 2] == 4)
  }

  /// Answers that take the whole step leave a quarter of it to the first prompt, and at least a token.
  @Test func promptsAdvanceBesideManyAnswers() {
    var configuration = SchedulerConfiguration(
      maxSequences: 64, maxBatchedTokens: 512, pageCount: 4096, pageSize: 4)
    configuration.cost = StepCost(step: 0.004, token: 0.001, key: 0.00001)
    configuration.stepTime = 0.02
    var scheduler = Scheduler(configuration)
    for id in 1...40 { scheduler.add(Sequence(id: SequenceID(id), prompt: prompt(1, id))) }
    while scheduler.running.count(where: { $0.tokens.count > 1 }) < 40 {
      let batch = scheduler.schedule()
      scheduler.update(batch, sampled: batch.items.map { $0.samples ? 5 : nil })
    }
    scheduler.add(Sequence(id: 50, prompt: prompt(4000, 50)))
    #expect(scheduler.schedule().items.map(\.range.count) == Array(repeating: 1, count: 40) + [4])
    scheduler.remove(50)
    configuration.cost = StepCost(step: 0.04, token: 0.01)
    scheduler = Scheduler(configuration)
    scheduler.add(Sequence(id: 1, prompt: prompt(3, 1)))
    scheduler.update(scheduler.schedule(), sampled: [1: 5])
    scheduler.add(Sequence(id: 2, prompt: prompt(40, 2)))
    #expect(scheduler.schedule().items.map(\.range.count) == [1, 1])
  }

  @Test func learnsWhatStepsReallyTake() {
    var scheduler = scheduler()
    scheduler.add(Sequence(id: 1, prompt: prompt(4, 1)))
    scheduler.update(scheduler.schedule(), sampled: [1: 5])
    scheduler.add(Sequence(id: 2, prompt: prompt(10_000, 2)))
    var count = 0
    for _ in 0..<80 {
      let batch = scheduler.schedule()
      count = batch.items[1].range.count
      // Twice as slow as measured.
      let seconds = 2 * (0.004 + 0.001 * Double(batch.tokenCount))
      scheduler.update(batch, sampled: batch.items.map { $0.id == 1 ? 5 : nil }, seconds: seconds)
    }
    // 50 ms at twice the cost: 8 for the step, 2 for the answer.
    #expect(abs(count - 20) <= 1, "\(count)")
  }

  /// However little answers take, a prompt that comes then is read as it was measured.
  @Test func answersTellNothingOfPrompts() {
    var scheduler = scheduler()
    scheduler.add(Sequence(id: 1, prompt: prompt(4, 1)))
    scheduler.update(scheduler.schedule(), sampled: [1: 5])
    for _ in 0..<200 {
      let batch = scheduler.schedule()
      scheduler.update(batch, sampled: [5], seconds: 0.001)
    }
    scheduler.add(Sequence(id: 2, prompt: prompt(2000, 2)))
    // 50 ms: 1 for the step and the answer, 49 tokens of the prompt.
    let count = scheduler.schedule().items[1].range.count
    #expect(abs(count - 49) <= 1, "\(count)")
  }

  /// A limit that came from the cost grows with what steps take while the machine is slow.
  @Test func derivedLimitsFollowThePace() {
    var configuration = scheduler().configuration
    configuration.stepTimeFollowsPace = true
    var scheduler = Scheduler(configuration)
    scheduler.add(Sequence(id: 1, prompt: prompt(4, 1)))
    scheduler.update(scheduler.schedule(), sampled: [1: 5])
    for _ in 0..<200 {
      scheduler.update(scheduler.schedule(), sampled: [5], seconds: 0.01)
    }
    scheduler.add(Sequence(id: 2, prompt: prompt(2000, 2)))
    // Answers take twice their 5 ms, so 100: 10 for the step and the answer, 90 tokens of the prompt.
    let count = scheduler.schedule().items[1].range.count
    #expect(abs(count - 90) <= 1, "\(count)")
  }
}
