import ApusCore

/// What a model file says about its shape, independent of the file format.
public struct ModelConfiguration: Sendable, Equatable {
  /// A name in `ModelArchitectures.catalog` ("llama", "qwen2", "qwen3") or in `EncoderArchitectures.catalog` ("bert").
  public var architecture: String
  /// What the file calls itself, for people.
  public var name: String
  public var shape: ModelShape
  public var hiddenSize: Int
  public var intermediateSize: Int
  public var normEpsilon: Float
  public var rope: RopeConfiguration
  public var tiedEmbeddings: Bool
  /// Keys further back than this are not read in the layers that `slidingWindowLayers` marks.
  public var slidingWindow: Int?
  /// One flag a layer; empty means all layers when `slidingWindow` is set.
  public var slidingWindowLayers: [Bool] = []
  /// Set for a model that reads in both directions and writes no text.
  public var encoder: EncoderConfiguration?

  public init(
    architecture: String, name: String, shape: ModelShape, hiddenSize: Int, intermediateSize: Int,
    normEpsilon: Float, rope: RopeConfiguration, tiedEmbeddings: Bool
  ) {
    self.architecture = architecture
    self.name = name
    self.shape = shape
    self.hiddenSize = hiddenSize
    self.intermediateSize = intermediateSize
    self.normEpsilon = normEpsilon
    self.rope = rope
    self.tiedEmbeddings = tiedEmbeddings
  }

  /// How far back layer `layer` reads; nil means to the start.
  public func window(ofLayer layer: Int) -> Int? {
    guard let slidingWindow else { return nil }
    return slidingWindowLayers.isEmpty || slidingWindowLayers[layer] ? slidingWindow : nil
  }
}

/// What only encoders have.
public struct EncoderConfiguration: Sendable, Equatable {
  /// Embeddings that tell the texts of a pair apart; 0 means none.
  public var tokenTypeCount: Int
  /// Outputs of the classifier of a cross-encoder; nil means that there is none.
  public var labelCount: Int?

  public init(tokenTypeCount: Int, labelCount: Int? = nil) {
    self.tokenTypeCount = tokenTypeCount
    self.labelCount = labelCount
  }
}

/// Rotary position embedding (RoFormer, arXiv:2104.09864) and its extension to longer contexts.
public struct RopeConfiguration: Sendable, Equatable {
  /// Which components of a head form a pair.
  public enum Layout: Sendable, Equatable {
    /// i and i + dimension/2 (Hugging Face; GGUF of Qwen).
    case half
    /// 2i and 2i + 1 (GGUF of Llama).
    case interleaved
  }

  public enum Scaling: Sendable, Equatable {
    case none
    case linear(factor: Double)
    /// NTK-aware base; `factor` is fixed (`ntk`) or follows from the context length (`dynamic`).
    case ntk(factor: Double)
    case dynamic(factor: Double, originalContextLength: Int)
    case yarn(
      factor: Double, originalContextLength: Int, betaFast: Double, betaSlow: Double,
      attentionFactor: Double?, mscale: Double?, mscaleAllDimensions: Double?, truncate: Bool)
    case llama3(
      factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double,
      originalContextLength: Int)
    /// One divisor a frequency, for contexts up to the original length and beyond it.
    case longRope(
      short: [Double], long: [Double], originalContextLength: Int, attentionFactor: Double?,
      factor: Double?)
    /// One divisor a frequency, as the tensor `rope_freqs.weight` of a GGUF gives them.
    case divisors([Double])
  }

  public var base: Double
  /// How many components of each head are rotated.
  public var dimension: Int
  public var layout: Layout
  public var scaling: Scaling
  /// Layers without rotation (SmolLM3's NoPE layers); empty means none.
  public var unrotatedLayers: Set<Int> = []

  public init(base: Double, dimension: Int, layout: Layout, scaling: Scaling) {
    self.base = base
    self.dimension = dimension
    self.layout = layout
    self.scaling = scaling
  }
}
