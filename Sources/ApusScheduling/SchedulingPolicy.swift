import ApusCore

/// Who runs next, who has to give way, and how much of a prompt is read in a step.
///
/// The scheduler asks for ranks: the lowest runs first, the earliest arrival among equals.
public protocol SchedulingPolicy: Sendable {
  /// Throws `CatalogError` for options it does not know.
  init(options: PluginOptions) throws

  /// Sequences that write run before those that read.
  var decodesFirst: Bool { get }
  /// A step that holds up writing sequences is kept short; else only its tokens are limited.
  var limitsStepTime: Bool { get }
  /// Ranks depend on how much of a prompt is stored already.
  var needsCachedCount: Bool { get }

  /// A sequence that waits may take the place of one that runs; else `displaces` is never asked.
  var mayDisplace: Bool { get }

  /// Where a sequence stands among those that read or wait.
  func rank(_ candidate: SchedulingCandidate) -> Double

  /// Whether a sequence that waits takes the place of one that runs when all places are taken.
  func displaces(_ waiting: SchedulingCandidate, _ running: SchedulingCandidate) -> Bool

  /// Notes the tokens that ran in a step for a tenant.
  mutating func ran(tenant: String, promptTokens: Int, generatedTokens: Int)

  /// Notes that a tenant who had nothing to do comes back; `active` are the others who have.
  mutating func returned(tenant: String, active: some Swift.Sequence<String>)
}

extension SchedulingPolicy {
  public var decodesFirst: Bool { true }
  public var limitsStepTime: Bool { true }
  public var needsCachedCount: Bool { false }
  public var mayDisplace: Bool { false }
  public func displaces(_ waiting: SchedulingCandidate, _ running: SchedulingCandidate) -> Bool {
    false
  }
  public mutating func ran(tenant: String, promptTokens: Int, generatedTokens: Int) {}
  public mutating func returned(tenant: String, active: some Swift.Sequence<String>) {}
}

/// What a policy may know of a sequence.
public struct SchedulingCandidate: Sendable {
  public let tenant: String
  /// Lower is sooner.
  public let priority: Int
  /// Seconds since it came or was preempted; 0 while it runs.
  public let waited: Double
  /// Tokens still to be read.
  public let remaining: Int
  /// Tokens of the prompt.
  public let promptCount: Int
  /// Tokens that need not be read because they are stored, where the policy asked for it.
  public let cachedCount: Int
}

/// The policies by the name that `--scheduling-policy` takes; to add one is a file in `Policies` and a line here.
public enum SchedulingPolicies {
  public static let catalog = Catalog<any SchedulingPolicy.Type>(
    "scheduling policy",
    [
      ("stall-free", StallFree.self),
      ("fcfs", FirstComeFirstServed.self),
      ("splitfuse", SplitFuse.self),
      ("shortest-first", ShortestFirst.self),
      ("fair", Fair.self),
      ("cache-aware", CacheAware.self),
      ("priority", PriorityFirst.self),
    ])

  public static let standard: any SchedulingPolicy = StallFree()

  /// The policy that a text such as `shortest-first:ageing=200` describes; throws `CatalogError`.
  public static func make(_ text: String) throws -> any SchedulingPolicy {
    let specification = try PluginSpecification(parsing: text)
    let type = try catalog.find(specification.name)
    return try PluginOptions.read(specification) { try type.init(options: $0) }
  }
}
