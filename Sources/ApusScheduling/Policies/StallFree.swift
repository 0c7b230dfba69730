import ApusCore

/// Running answers first, then started prompts in chunks, then new ones, within a step time that the answers can bear
/// (Sarathi-Serve, arXiv:2403.02310).
struct StallFree: SchedulingPolicy {
  init() {}
  init(options: PluginOptions) {}

  func rank(_ candidate: SchedulingCandidate) -> Double { 0 }
}
