import ApusCompute
import ApusKV
import ApusScheduling

extension SchedulerConfiguration {
  /// How long a step may take where nothing is asked for, in steps of one token as they are lately.
  private static let defaultStepCount = 8.0

  init(
    _ engine: EngineConfiguration, plan: EnginePlan, policy: any SchedulingPolicy, cost: StepCost?
  ) {
    self.init(
      maxSequences: engine.maxSequences, maxBatchedTokens: engine.maxBatchedTokens,
      pageCount: plan.blockCount, pageSize: KVGeometry.pageSize,
      policy: policy)
    batching = engine.batching
    sharesPrefixes = engine.prefixCache
    swapSlotCount = plan.swapSlotCount
    groupsSharers = engine.sharedPrefixAttention
    self.cost = cost
    if let target = engine.tokenLatencyTarget {
      stepTime = target / .seconds(1)
    } else if let cost {
      stepTime = Self.defaultStepCount * (cost.step + cost.token)
      stepTimeFollowsPace = true
    }
  }
}
