import ApusCore

/// Everything in order of arrival, prompts and answers alike: a prompt takes all the tokens that earlier requests leave
/// (the order of Orca, OSDI 2022).
struct FirstComeFirstServed: SchedulingPolicy {
  init(options: PluginOptions) {}

  let decodesFirst = false
  let limitsStepTime = false

  func rank(_ candidate: SchedulingCandidate) -> Double { 0 }
}
