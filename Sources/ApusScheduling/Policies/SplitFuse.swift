import ApusCore

/// Steps of one size: long prompts are split over several, short ones put together to fill them, the prompt with least
/// left first (Dynamic SplitFuse, arXiv:2401.08671).
struct SplitFuse: SchedulingPolicy {
  init(options: PluginOptions) {}

  let limitsStepTime = false

  // Long prompts all rank alike, so none waits for ever behind short ones that keep coming.
  func rank(_ candidate: SchedulingCandidate) -> Double {
    Double(min(candidate.remaining, 512)) - 16 * candidate.waited
  }
}
