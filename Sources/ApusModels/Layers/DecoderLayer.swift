import ApusAttention
import ApusCompute
import ApusKV

/// One pre-norm decoder layer: attention and a SwiGLU network, each added to the residual stream.
struct DecoderLayer {
  let index: Int
  let attention: AttentionLayer
  private let attentionNorm: RowTransform
  private let projections: Linear  // queries, keys, values
  private let heads: HeadProjection
  private let output: Linear
  private let networkNorm: RowTransform
  private let gateUp: Linear
  private let down: Linear

  init(
    _ index: Int, configuration: ModelConfiguration, checkpoint: Checkpoint, loader: WeightLoader,
    roles: HeadRoleTable
  ) throws {
    let prefix = "blk.\(index)."
    func tensor(_ name: String) throws -> TensorInfo { try checkpoint.tensor(prefix + name) }
    func optional(_ name: String) -> TensorInfo? { checkpoint.tensors[prefix + name] }
    func linear(_ names: [String]) throws -> Linear {
      try Linear(
        names.map { try tensor($0 + ".weight") }, biases: names.map { optional($0 + ".bias") },
        loader: loader)
    }
    func norm(_ name: String) throws -> RowTransform {
      .rmsNorm(weight: try tensor(name).floats(), epsilon: configuration.normEpsilon)
    }
    self.index = index
    attentionNorm = try norm("attn_norm.weight")
    projections = try linear(["attn_q", "attn_k", "attn_v"])
    output = try linear(["attn_output"])
    networkNorm = try norm("ffn_norm.weight")
    gateUp = try linear(["ffn_gate", "ffn_up"])
    down = try linear(["ffn_down"])
    heads = HeadProjection(
      queryHeads: configuration.shape.headCount,
      queryNorm: try optional("attn_q_norm.weight")?.floats(),
      keyNorm: try optional("attn_k_norm.weight")?.floats(), epsilon: configuration.normEpsilon,
      rotated: !configuration.rope.unrotatedLayers.contains(index))
    let shape = configuration.shape
    attention = AttentionLayer(
      layer: index, headCount: shape.headCount,
      scale: 1 / Float(shape.headDimension).squareRoot(),
      ranges: roles.ranges(layer: index, modelWindow: configuration.window(ofLayer: index)))
  }

  func forward(
    _ batch: ForwardBatch, store: KVStore, backend: some AttentionBackend, compute: Compute,
    workspace: Workspace
  ) {
    let rows = batch.rowCount
    projections.apply(
      workspace.hidden, attentionNorm, rows: rows, compute: compute,
      scratch: &workspace.rounded, into: &workspace.projections)
    compute.finishHeads(
      &workspace.projections, rows: rows, heads: heads, angles: workspace.angles, layer: index,
      blocks: batch.blocks, tokens: batch.slotTokens, positions: batch.positions,
      slices: batch.slices, into: store.arena)
    backend.attend(
      batch, queries: workspace.projections, layer: attention, into: &workspace.attended)
    output.apply(
      workspace.attended, rows: rows, compute: compute, scratch: &workspace.rounded,
      accumulate: true, into: &workspace.hidden)
    gateUp.apply(
      workspace.hidden, networkNorm, rows: rows, compute: compute, scratch: &workspace.rounded,
      into: &workspace.gateUp)
    down.apply(
      workspace.gateUp, .swiglu, rows: rows, compute: compute, scratch: &workspace.rounded,
      accumulate: true, into: &workspace.hidden)
  }
}
