import ApusCore

/// The tenant first who has had least, counted in tokens (virtual token counters, arXiv:2401.00588).
///
/// A tenant who had nothing to do comes back with no less than the least of the others has: idle time is not saved up.
struct Fair: SchedulingPolicy {
  /// What a generated token counts, in prompt tokens.
  let generatedWeight: Double
  /// How much more a tenant must have had before another one takes a running request's place.
  let quantum: Double
  private var served: [String: Double] = [:]

  init(options: PluginOptions) throws {
    generatedWeight = try options.double("generated", in: 0...1e6) ?? 2
    quantum = try options.double("quantum", in: 1...1e9) ?? 64
  }

  func rank(_ candidate: SchedulingCandidate) -> Double { served[candidate.tenant] ?? 0 }

  let mayDisplace = true

  func displaces(_ waiting: SchedulingCandidate, _ running: SchedulingCandidate) -> Bool {
    waiting.tenant != running.tenant && rank(waiting) + quantum < rank(running)
  }

  mutating func ran(tenant: String, promptTokens: Int, generatedTokens: Int) {
    served[tenant, default: 0] += Double(promptTokens) + generatedWeight * Double(generatedTokens)
  }

  mutating func returned(tenant: String, active: some Swift.Sequence<String>) {
    var least = Double.infinity
    var count = 0
    for other in active where other != tenant {
      least = min(least, served[other] ?? 0)
      count += 1
    }
    // Nobody to be fair to: all start anew, and the counters do not grow for ever.
    if count == 0 { served = [tenant: 0] } else { served[tenant] = max(served[tenant] ?? 0, least) }
  }
}
