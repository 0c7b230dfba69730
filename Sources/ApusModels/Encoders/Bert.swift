import ApusCompute
import ApusCore
import Foundation

/// BERT (arXiv:1810.04805): all-MiniLM, bge, e5 and cross-encoders made of it.
public final class Bert: EncoderArchitecture {
  private let words: StoredMatrix
  private let positions: StoredMatrix
  private let types: StoredMatrix?
  private let embeddingNorm: LayerNorm
  private let layers: [EncoderLayer]
  private let classifier: Classifier?

  public required init(_ checkpoint: Checkpoint, loader: WeightLoader) throws {
    let configuration = checkpoint.configuration
    words = try loader.rows(checkpoint.tensor("token_embd.weight"))
    positions = try loader.rows(checkpoint.tensor("position_embd.weight"))
    types = try checkpoint.tensors["token_types.weight"].map { try loader.rows($0) }
    embeddingNorm = try LayerNorm(checkpoint, "token_embd_norm")
    let count = configuration.shape.layerCount
    layers = try (0..<count).map { index in
      loader.progress(index, count)
      return try EncoderLayer(index, checkpoint: checkpoint, loader: loader)
    }
    classifier = try configuration.encoder?.labelCount.map {
      try Classifier(checkpoint, labelCount: $0, loader: loader)
    }
    loader.progress(count, count)
  }

  public func forward(_ batch: EncoderBatch, compute: Compute, workspace: EncoderWorkspace) {
    let rows = batch.rowCount
    compute.lookUp(batch.tokens, in: words, into: &workspace.hidden)
    // The attention's buffer is free until the first layer.
    compute.lookUp(batch.positions, in: positions, into: &workspace.attended)
    compute.add(workspace.attended, rows: rows, to: &workspace.hidden)
    if let types {
      compute.lookUp(batch.types, in: types, into: &workspace.attended)
      compute.add(workspace.attended, rows: rows, to: &workspace.hidden)
    }
    compute.normalize(&workspace.hidden, embeddingNorm, rows: rows)
    for layer in layers { layer.forward(batch, compute: compute, workspace: workspace) }
  }

  public func labels(
    _ batch: EncoderBatch, compute: Compute, workspace: EncoderWorkspace
  ) -> [[Float]] {
    guard let classifier else { return [] }
    let first = batch.texts.map(\.lowerBound)
    return classifier.labels(of: first, compute: compute, workspace: workspace)
  }
}

/// The pooler over a text's first token and the layer above it.
private struct Classifier {
  private let pooler: Linear?
  private let output: Linear
  private let labelCount: Int
  private let hiddenSize: Int

  init(_ checkpoint: Checkpoint, labelCount: Int, loader: WeightLoader) throws {
    func linear(_ name: String) throws -> Linear {
      try Linear(
        [checkpoint.tensor(name + ".weight")], biases: [checkpoint.tensors[name + ".bias"]],
        loader: loader)
    }
    pooler = checkpoint.tensors["cls.weight"] == nil ? nil : try linear("cls")
    output = try linear("cls.output")
    self.labelCount = labelCount
    hiddenSize = checkpoint.configuration.hiddenSize
  }

  func labels(
    of rows: [Int], compute: Compute, workspace: EncoderWorkspace
  ) -> [[Float]] {
    let count = rows.count
    var first = Matrix(rows: count, columns: hiddenSize)
    compute.gather(rows[...], of: workspace.hidden, into: &first)
    if let pooler {
      var pooled = Matrix(rows: count, columns: hiddenSize)
      pooler.apply(
        first, rows: count, compute: compute, scratch: &workspace.rounded, into: &pooled)
      for row in 0..<count { first.setRow(row, pooled.row(row).map { tanh($0) }) }
    }
    var labels = Matrix(rows: count, columns: labelCount)
    output.apply(first, rows: count, compute: compute, scratch: &workspace.rounded, into: &labels)
    return (0..<count).map { labels.row($0) }
  }
}
