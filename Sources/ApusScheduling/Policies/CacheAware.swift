import ApusCore

/// Prompts that are stored for the largest part first, while their pages are still there; waiting makes up for a low
/// share (the order of KVShare, arXiv:2503.16525).
struct CacheAware: SchedulingPolicy {
  /// Seconds of waiting that stand for a prompt stored entirely.
  let patience: Double

  init(options: PluginOptions) throws {
    patience = try options.double("patience", in: 1e-3...1e9) ?? 10
  }

  let needsCachedCount = true

  func rank(_ candidate: SchedulingCandidate) -> Double {
    let share = Double(candidate.cachedCount) / Double(max(candidate.promptCount, 1))
    return -share - candidate.waited / patience
  }
}
