import ApusCore

/// The request with the lowest `priority` first, also in place of a running one with a higher.
struct PriorityFirst: SchedulingPolicy {
  init(options: PluginOptions) {}

  func rank(_ candidate: SchedulingCandidate) -> Double { Double(candidate.priority) }

  let mayDisplace = true

  func displaces(_ waiting: SchedulingCandidate, _ running: SchedulingCandidate) -> Bool {
    waiting.priority < running.priority
  }
}
