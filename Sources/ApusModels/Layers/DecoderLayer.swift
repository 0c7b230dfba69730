import ApusAttention
import ApusCompute
import ApusKV

/// One pre-norm decoder layer: attention and a SwiGLU network, each added to the residual stream.
struct DecoderLayer {
  let index: Int
  let rotated: Bool
  let attention: AttentionLayer
  private let configuration: ModelConfiguration
  private let attentionNorm: [Float]
  private let projections: Linear  // queries, keys, values
  private let queryNorm: [Float]?
  private let keyNorm: [Float]?
  private let output: Linear
  private let networkNorm: [Float]
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
    self.index = index
    self.configuration = configuration
    attentionNorm = try tensor("attn_norm.weight").floats()
    projections = try linear(["attn_q", "attn_k", "attn_v"])
    queryNorm = try optional("attn_q_norm.weight")?.floats()
    keyNorm = try optional("attn_k_norm.weight")?.floats()
    output = try linear(["attn_output"])
    networkNorm = try tensor("ffn_norm.weight").floats()
    gateUp = try linear(["ffn_gate", "ffn_up"])
    down = try linear(["ffn_down"])
    rotated = !configuration.rope.unrotatedLayers.contains(index)
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
    let shape = configuration.shape
    let epsilon = configuration.normEpsilon
    compute.rmsNorm(
      workspace.hidden, rows: rows, weight: attentionNorm, epsilon: epsilon,
      into: &workspace.normed)
    projections.apply(
      workspace.normed, rows: rows, compute: compute, scratch: &workspace.rounded,
      into: &workspace.projections)
    let queries = 0..<shape.headCount
    let keys = shape.headCount..<shape.headCount + shape.kvHeadCount
    if let queryNorm {
      compute.rmsNormHeads(
        &workspace.projections, rows: rows, heads: queries, weight: queryNorm, epsilon: epsilon)
    }
    if let keyNorm {
      compute.rmsNormHeads(
        &workspace.projections, rows: rows, heads: keys, weight: keyNorm, epsilon: epsilon)
    }
    if rotated {
      compute.rotate(
        &workspace.projections, rows: rows, heads: 0..<keys.upperBound,
        headDimension: shape.headDimension, angles: workspace.angles)
    }
    compute.store(
      workspace.projections, rows: rows, keyColumn: keys.lowerBound * shape.headDimension,
      valueColumn: keys.upperBound * shape.headDimension, layer: index, blocks: batch.blocks,
      tokens: batch.slotTokens, positions: batch.positions, into: store.arena)
    backend.attend(
      batch, queries: workspace.projections, layer: attention, into: &workspace.attended)
    output.apply(
      workspace.attended, rows: rows, compute: compute, scratch: &workspace.rounded,
      accumulate: true, into: &workspace.hidden)
    compute.rmsNorm(
      workspace.hidden, rows: rows, weight: networkNorm, epsilon: epsilon,
      into: &workspace.normed)
    gateUp.apply(
      workspace.normed, rows: rows, compute: compute, scratch: &workspace.rounded,
      into: &workspace.gateUp)
    compute.swiglu(
      workspace.gateUp, rows: rows, width: configuration.intermediateSize,
      into: &workspace.activated)
    down.apply(
      workspace.activated, rows: rows, compute: compute, scratch: &workspace.rounded,
      accumulate: true, into: &workspace.hidden)
  }
}
