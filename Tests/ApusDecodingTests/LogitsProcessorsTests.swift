import ApusCore
import ApusDecoding
import Foundation
import Testing

@Suite struct LogitsProcessorsTests {
  /// Parameters that switch every rule on.
  private static var all: SamplingParameters {
    var parameters = SamplingParameters()
    parameters.temperature = 0.7
    parameters.topK = 5
    parameters.topP = 0.6
    parameters.minP = 0.2
    parameters.typicalP = 0.6
    parameters.repetitionPenalty = 1.3
    parameters.presencePenalty = 0.5
    parameters.frequencyPenalty = 0.5
    parameters.logitBias = [1: 3, 2: -100]
    return parameters
  }

  /// To be in the folder is to be in the list.
  @Test func everyFileIsListed() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/ApusDecoding/Processors").standardizedFileURL
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .map { String($0.dropLast(".swift".count)) }
    #expect(Set(files) == Set(LogitsProcessors.all.map { String(describing: $0) }))
  }

  @Test func defaultsNeedNoRule() {
    for type in LogitsProcessors.all {
      let made = type.init(SamplingParameters())
      #expect(made == nil, "\(type)")
    }
  }

  /// Every rule keeps at least one candidate, adds none, and keeps the best one where it says so.
  @Test func contract() throws {
    var random = RandomSource(seed: 4)
    for type in LogitsProcessors.all {
      let made = type.init(Self.all)
      let processor = try #require(made)
      for round in 0..<200 {
        let count = Int(random.next() % 40) + 1
        let logits = (0..<count).map { _ in Float(random.nextUnit() * 20 - 10) }
        var candidates = Candidates(logits: logits.span)
        let before = Set(candidates.list.map(\.token))
        processor.apply(&candidates, history: [0, 1, 2, 0], generated: round % 5)
        let after = candidates.list.map(\.token)
        #expect(!after.isEmpty)
        #expect(Set(after).count == after.count && Set(after).isSubset(of: before))
        if type.keepsMostLikely {
          let best = candidates.list.max { $0.logit < $1.logit }
          #expect(logits[Int(best!.token)] == logits.max())
        }
      }
    }
  }
}
