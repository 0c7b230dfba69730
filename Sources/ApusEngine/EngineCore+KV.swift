import ApusCompute
import ApusCore
import ApusDecoding
import ApusKV
import ApusScheduling
import Foundation

// What is kept of keys and values changes between steps, and never on pages that others share.
extension EngineCore {
  /// Evicts what a request need not keep after a step, or goes on with its prompt.
  func keep(_ item: ScheduledBatch.Item, _ kv: SequenceKV) {
    guard let sequence = scheduler.sequence(item.id) else { return }
    let computed = sequence.computedCount
    switch kv.prelude {
    case .none: evict(sequence, kv)
    case .filter(let layer):
      guard computed >= sequence.promptCount,
        let kept = kv.filtered(layer: layer, computedCount: computed)
      else { return }
      kv.endFilter()
      free(
        scheduler.rewind(
          item.id, to: kept.map { sequence.tokens[$0] }, computedCount: 0))
    case .lookahead:
      guard computed >= sequence.promptCount else { return }
      kv.endLookahead()
      // The last token of the prompt is run once more, for its logits.
      free(
        scheduler.rewind(
          item.id, to: Array(sequence.tokens[..<kv.promptCount]),
          computedCount: kv.promptCount - 1))
      if let sequence = scheduler.sequence(item.id) { evict(sequence, kv) }
    }
  }

  private func evict(_ sequence: ApusScheduling.Sequence, _ kv: SequenceKV) {
    let computed = sequence.computedCount
    guard let eviction = kv.eviction(computedCount: computed),
      // Where pages are short it is tried again after the next step.
      let (pages, freed) = scheduler.keep(
        sequence.id, counts: kv.pagedCounts(eviction, computedCount: computed))
    else { return }
    kv.evict(eviction, from: sequence.pages, computedCount: computed, into: pages)
    free(pages)
    free(freed)
    for page in freed { runner.store.arena.discard(block: page) }
  }

  /// What a request's keys and values take now.
  func report(of id: SequenceID, _ kv: SequenceKV?) -> KVReport {
    var report = KVReport()
    guard let sequence = scheduler.sequence(id) else { return report }
    report.keptTokens = Double(sequence.computedCount)
    report.byteCount = sequence.pages.count * runner.store.geometry.blockByteCount
    report.pagesRead = Double(KVGeometry.pageCount(sequence.computedCount))
    kv?.complete(&report)
    return report
  }

  /// Notes how much a token surprised that has been read.
  func note(_ logits: Span<Float>, of id: SequenceID, position: Int, _ kv: SequenceKV) {
    guard kv.needsSurprise, let tokens = scheduler.sequence(id)?.tokens,
      position + 1 < tokens.count
    else { return }
    kv.note(surprise: surprise(logits, tokens[position + 1]), of: position + 1)
  }

  /// -log p of a token.
  func surprise(_ logits: Span<Float>, _ token: TokenID) -> Float {
    -TokenLogprobs(logits: logits, token: token, topCount: 0).chosen.logprob
  }
}

extension SequenceAttributes {
  /// What the methods of a request ask of the scheduler.
  mutating func restrict(to kv: SequenceKV, resident: Int?) {
    residentLimit = resident
    guard let policy = kv.methods.policy else { return }
    if policy.needs.surprise { reusesPrefix = false }
    switch policy.needs.mass {
    case .none, .last: break
    case .every, .lookahead: reusesPrefix = false
    case .promptEnd(let count): runCount = max(count, 1)
    }
    // Not all layers hold what their pages say, or more tokens than the text has.
    if kv.prelude != .none {
      reusesPrefix = false
      leavesPages = false
    }
  }
}
