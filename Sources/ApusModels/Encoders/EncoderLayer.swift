import ApusCompute

/// One post-norm encoder layer: attention and a network with GELU, each added and then normalised.
struct EncoderLayer {
  private let projections: Linear  // queries, keys, values
  private let output: Linear
  private let attentionNorm: LayerNorm
  private let up: Linear
  private let down: Linear
  private let outputNorm: LayerNorm
  private let headCount: Int
  private let headDimension: Int

  init(_ index: Int, checkpoint: Checkpoint, loader: WeightLoader) throws {
    let prefix = "blk.\(index)."
    func linear(_ names: String...) throws -> Linear {
      try Linear(
        names.map { try checkpoint.tensor(prefix + $0 + ".weight") },
        biases: names.map { try checkpoint.tensor(prefix + $0 + ".bias") }, loader: loader)
    }
    projections = try linear("attn_q", "attn_k", "attn_v")
    output = try linear("attn_output")
    attentionNorm = try LayerNorm(checkpoint, prefix + "attn_output_norm")
    up = try linear("ffn_up")
    down = try linear("ffn_down")
    outputNorm = try LayerNorm(checkpoint, prefix + "layer_output_norm")
    headCount = checkpoint.configuration.shape.headCount
    headDimension = checkpoint.configuration.shape.headDimension
  }

  func forward(_ batch: EncoderBatch, compute: Compute, workspace: EncoderWorkspace) {
    let rows = batch.rowCount
    projections.apply(
      workspace.hidden, rows: rows, compute: compute, scratch: &workspace.rounded,
      into: &workspace.projections)
    compute.attend(
      within: batch.texts, projections: workspace.projections, headCount: headCount,
      headDimension: headDimension, into: &workspace.attended)
    output.apply(
      workspace.attended, rows: rows, compute: compute, scratch: &workspace.rounded,
      accumulate: true, into: &workspace.hidden)
    compute.normalize(&workspace.hidden, attentionNorm, rows: rows)
    up.apply(
      workspace.hidden, rows: rows, compute: compute, scratch: &workspace.rounded,
      into: &workspace.inner)
    down.apply(
      workspace.inner, .gelu, rows: rows, compute: compute, scratch: &workspace.rounded,
      accumulate: true, into: &workspace.hidden)
    compute.normalize(&workspace.hidden, outputNorm, rows: rows)
  }
}

extension LayerNorm {
  /// The norm whose weight and bias have that name.
  init(_ checkpoint: Checkpoint, _ name: String) throws {
    self.init(
      weight: try checkpoint.tensor(name + ".weight").floats(),
      bias: try checkpoint.tensor(name + ".bias").floats(),
      epsilon: checkpoint.configuration.normEpsilon)
  }
}
