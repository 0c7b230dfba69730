/// How the next token is chosen; the defaults choose the most likely one.
public struct SamplingParameters: Sendable, Equatable {
  /// 0 means greedy.
  public var temperature: Float = 0
  /// 0 means no limit.
  public var topK: Int = 0
  public var topP: Float = 1
  public var minP: Float = 0
  public var typicalP: Float = 1
  public var repetitionPenalty: Float = 1
  /// How many of the last tokens `repetitionPenalty` looks at; -1 means all.
  public var repetitionWindow: Int = -1
  public var presencePenalty: Float = 0
  public var frequencyPenalty: Float = 0
  public var logitBias: [TokenID: Float] = [:]
  public var seed: UInt64?

  public init() {}

  public var isGreedy: Bool { temperature <= 0 || topK == 1 }
}
