/// When requests may join those that run.
public enum Batching: String, Sendable, CaseIterable {
  /// Whenever there is room.
  case continuous
  /// When nothing runs any more, all that wait by then.
  case dynamic
  /// When nothing runs any more and so many wait as can run at once, or one has waited for a second.
  case `static`
}

public struct SchedulerConfiguration: Sendable {
  /// Sequences that may run at once.
  public var maxSequences: Int
  /// Tokens of one step, over all sequences.
  public var maxBatchedTokens: Int
  public var pageCount: Int
  public var pageSize: Int
  public var policy: any SchedulingPolicy
  public var batching = Batching.continuous
  /// Whether sequences that begin alike share pages.
  public var sharesPrefixes = true
  /// Pages that the swap space can hold.
  public var swapSlotCount = 0
  /// Whether sequences that share pages stand side by side in a step, so that they can read these together.
  public var groupsSharers = true
  /// What steps cost, as measured; nil limits their tokens only.
  public var cost: StepCost?
  /// The longest a step may take, in seconds, while sequences write, where the policy limits it.
  public var stepTime = 0.05
  /// Whether `stepTime` was derived from `cost` and follows what writing takes lately.
  public var stepTimeFollowsPace = false
  /// The same while none does: so long a new request may have to wait.
  public var quietStepTime = 0.5

  public init(
    maxSequences: Int, maxBatchedTokens: Int, pageCount: Int, pageSize: Int,
    policy: any SchedulingPolicy = SchedulingPolicies.standard
  ) {
    // Each sequence that writes runs in each step.
    self.maxSequences = min(maxSequences, maxBatchedTokens)
    self.maxBatchedTokens = maxBatchedTokens
    self.pageCount = pageCount
    self.pageSize = pageSize
    self.policy = policy
  }
}
