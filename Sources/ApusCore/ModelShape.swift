/// The sizes that the KV cache and the scheduler need to know about a model.
public struct ModelShape: Sendable, Equatable {
  public var layerCount: Int
  public var headCount: Int
  public var kvHeadCount: Int
  public var headDimension: Int
  public var vocabularySize: Int
  /// Tokens the model was trained to read.
  public var contextLength: Int

  public init(
    layerCount: Int, headCount: Int, kvHeadCount: Int, headDimension: Int, vocabularySize: Int,
    contextLength: Int
  ) {
    self.layerCount = layerCount
    self.headCount = headCount
    self.kvHeadCount = kvHeadCount
    self.headDimension = headDimension
    self.vocabularySize = vocabularySize
    self.contextLength = contextLength
  }
}
