import ApusAttention
import ApusCompute
import ApusCore
import ApusKV

/// A decoder that turns a ragged batch into hidden states and logits.
///
/// Used by one thread at a time.
public protocol ModelArchitecture: AnyObject, SendableMetatype {
  /// Brings the weights into memory; throws `CheckpointError` when a tensor is missing.
  init(_ checkpoint: Checkpoint, roles: HeadRoleTable, contextLength: Int, loader: WeightLoader)
    throws

  var rotary: RotaryEmbedding { get }

  /// Runs all layers over the batch; the hidden states stay in the workspace.
  func forward(
    _ batch: ForwardBatch, store: KVStore, backend: some AttentionBackend, compute: Compute,
    workspace: Workspace)

  /// Logits of rows of the last batch, at most `workspace.maxLogitRows`, to `workspace.logits`.
  func logits(of rows: ArraySlice<Int>, compute: Compute, workspace: Workspace)

  /// Calls `use` with rows of the last batch, as the output head would read them: after the last norm.
  func hiddenStates(
    of rows: Range<Int>, compute: Compute, workspace: Workspace, use: (Int, Span<Float>) -> Void)
}

/// The architectures that can be loaded, by the name in `ModelConfiguration.architecture`.
public enum ModelArchitectures {
  public static let catalog = Catalog<any ModelArchitecture.Type>(
    "architecture",
    [
      ("llama", Llama.self),
      ("qwen2", Qwen2.self),
      ("qwen3", Qwen3.self),
    ])

  /// Loads the checkpoint's model.
  public static func load(
    _ checkpoint: Checkpoint, roles: HeadRoleTable? = nil, contextLength: Int, loader: WeightLoader
  ) throws -> any ModelArchitecture {
    let shape = checkpoint.configuration.shape
    let model = try catalog.find(checkpoint.configuration.architecture).init(
      checkpoint,
      roles: roles
        ?? HeadRoleTable(layerCount: shape.layerCount, headCount: shape.kvHeadCount),
      contextLength: contextLength, loader: loader)
    loader.finish()
    return model
  }
}
