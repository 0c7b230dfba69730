import Apus
import ApusCompute
import ApusScheduling

/// A line that waits for its turn, and what it takes.
struct BatchJob: Sendable {
  let place: BatchInput.Place
  /// KV pages of its prompts with the longest answers they may have.
  let pages: Int
  /// Sequences that run at once.
  let sequences: Int
}

extension Answer {
  /// How the requests of one line stand in the order: a further prompt of the same line is shared with nobody.
  func orderItem(_ model: LanguageModel) -> PrefixOrder.Item {
    let prompts = stride(from: 0, to: requests.count, by: options.choiceCount).map {
      requests[$0].generation.prompt
    }
    return PrefixOrder.Item(
      prompt: prompts.first ?? [],
      answerCount: requests.reduce(0) { $0 + longestAnswer($1, model) },
      ownCount: prompts.dropFirst().reduce(0) { $0 + $1.count })
  }

  /// Pages of keys and values at most.
  func pageCount(_ model: LanguageModel) -> Int {
    let size = KVGeometry.pageSize
    return requests.reduce(0) { sum, request in
      let tokens = request.generation.prompt.count + longestAnswer(request, model)
      return sum + (tokens + size - 1) / size
    }
  }

  private func longestAnswer(_ request: TextRequest, _ model: LanguageModel) -> Int {
    let room = model.engine.contextLength - request.generation.prompt.count
    return max(0, min(request.generation.maxTokens ?? room, room))
  }
}

/// Lets lines in by memory: as many as fit when all their answers become as long as they may.
///
/// So none ever loses its pages to another and is read twice.
struct BatchAdmission {
  private let pageCount: Int
  private let sequenceLimit: Int
  private var pages = 0
  private var sequences = 0

  init(pageCount: Int, sequenceLimit: Int) {
    self.pageCount = pageCount
    self.sequenceLimit = sequenceLimit
  }

  var isEmpty: Bool { sequences == 0 }

  /// Counts the line if there is room; one that is too large for all of it runs alone.
  mutating func admit(_ job: BatchJob) -> Bool {
    let fits = pages + job.pages <= pageCount && sequences + job.sequences <= sequenceLimit
    guard fits || isEmpty else { return false }
    pages += job.pages
    sequences += job.sequences
    return true
  }

  mutating func release(_ job: BatchJob) {
    pages -= job.pages
    sequences -= job.sequences
  }
}
