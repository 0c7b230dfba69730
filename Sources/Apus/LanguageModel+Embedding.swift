import ApusCore
import ApusEngine
import ApusModels
import ApusScheduling

extension LanguageModel: EmbeddingModel {
  public var contextLength: Int { engine.contextLength }
  public var instructionSet: String { engine.instructionSet }
  /// The last token is the only one that has read the whole text.
  public var defaultPooling: Pooling { .last }

  /// Texts of one call that are with the engine at a time: its other requests run in the same steps.
  private static let textsAtOnce = 8

  public func pooled(
    _ texts: [[TokenID]], pooling: Pooling, scheduling: SequenceAttributes
  ) async throws -> [[Float]] {
    var vectors = [[Float]](repeating: [], count: texts.count)
    try await withThrowingTaskGroup(of: (Int, [Float]).self) { group in
      for (index, text) in texts.enumerated() {
        if index >= Self.textsAtOnce, let (done, vector) = try await group.next() {
          vectors[done] = vector
        }
        group.addTask { (index, try await self.vector(of: text, pooling, scheduling)) }
      }
      for try await (done, vector) in group { vectors[done] = vector }
    }
    return vectors
  }

  private func vector(
    of text: [TokenID], _ pooling: Pooling, _ scheduling: SequenceAttributes
  ) async throws -> [Float] {
    var request = GenerationRequest(prompt: text)
    request.maxTokens = 0
    request.pooling = pooling
    request.kvMethods = KVMethods.none
    request.scheduling = scheduling
    var vector: [Float]?
    for try await event in engine.generate(request) {
      if case .embedding(let values) = event { vector = values }
    }
    guard let vector else { throw CancellationError() }
    return vector
  }
}
