import ApusAttention
import ApusCompute
import ApusCore
import ApusKV

/// The decoder that Llama and its relatives share: embedding, pre-norm layers, final norm, output head.
///
/// Biases, QK norms and tied embeddings are used where the checkpoint has them.
public class DenseDecoder: ModelArchitecture {
  public let rotary: RotaryEmbedding
  private let configuration: ModelConfiguration
  private let embeddings: StoredMatrix
  private let layers: [DecoderLayer]
  private let outputNorm: RowTransform
  private let head: Linear

  public required init(
    _ checkpoint: Checkpoint, roles: HeadRoleTable, contextLength: Int, loader: WeightLoader
  ) throws {
    configuration = checkpoint.configuration
    rotary = RotaryEmbedding(configuration.rope, contextLength: contextLength)
    let embedding = try checkpoint.tensor("token_embd.weight")
    embeddings = try loader.rows(embedding)
    let count = configuration.shape.layerCount
    layers = try (0..<count).map { index in
      loader.progress(index, count)
      return try DecoderLayer(
        index, configuration: checkpoint.configuration, checkpoint: checkpoint, loader: loader,
        roles: roles)
    }
    outputNorm = .rmsNorm(
      weight: try checkpoint.tensor("output_norm.weight").floats(),
      epsilon: configuration.normEpsilon)
    head =
      configuration.tiedEmbeddings
      ? try Linear(embeddings, named: embedding.name, loader: loader)
      : try Linear([checkpoint.tensor("output.weight")], loader: loader)
    loader.progress(count, count)
  }

  public func forward(
    _ batch: ForwardBatch, store: KVStore, backend: some AttentionBackend, compute: Compute,
    workspace: Workspace
  ) {
    compute.lookUp(batch.tokens, in: embeddings, into: &workspace.hidden)
    rotary.fill(&workspace.angles, positions: batch.positions)
    backend.prepare(batch, layer: layers[0].attention)
    for layer in layers.prefix(batch.layerLimit ?? layers.count) {
      layer.forward(batch, store: store, backend: backend, compute: compute, workspace: workspace)
    }
  }

  public func logits(of rows: ArraySlice<Int>, compute: Compute, workspace: Workspace) {
    compute.gather(rows, of: workspace.hidden, into: &workspace.selected)
    head.apply(
      workspace.selected, outputNorm, rows: rows.count, compute: compute,
      scratch: &workspace.rounded, into: &workspace.logits)
  }

  public func hiddenStates(
    of rows: Range<Int>, compute: Compute, workspace: Workspace, use: (Int, Span<Float>) -> Void
  ) {
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: workspace.maxLogitRows) {
      let part = Array(first..<min(first + workspace.maxLogitRows, rows.upperBound))
      compute.gather(part[...], of: workspace.hidden, into: &workspace.selected)
      compute.transform(&workspace.selected, outputNorm, rows: part.count)
      for (index, row) in part.enumerated() {
        workspace.selected.withRow(index) { use(row, $0) }
      }
    }
  }
}
