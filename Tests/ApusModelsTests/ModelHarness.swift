import ApusAttention
import ApusCompute
import ApusCore
import ApusKV
import ApusModels
import Foundation

/// The kernel tables this machine has, the reference first.
enum InstructionSets {
  static let available: [String] = [
    "scalar", "avx2", "avx512", "avx512_bf16", "avx512_fp16", "neon",
  ].filter {
    (try? Compute(pool: WorkerPool(threadCount: 1), instructionSet: $0)) != nil
  }
}

/// A model with a few sequences, driven by hand.
final class ModelHarness {
  let checkpoint: Checkpoint
  let model: any ModelArchitecture
  let compute: Compute
  let store: KVStore
  let backend: PagedAttention
  let workspace: Workspace
  /// Blocks of the sequence that is run when none is named; others take from `spare`.
  let pages: [PageID]
  private var spare: [PageID]

  /// - Parameters:
  ///   - capacity: tokens of one sequence.
  ///   - sequences: how many sequences have room.
  init(
    _ path: String, kv: KVElement = .f32, precision: Precision = .full, threads: Int = 1,
    instructionSet: String? = nil, contextLength: Int? = nil, capacity: Int = 256,
    sequences: Int = 1, roles: HeadRoleTable? = nil, quantization: QuantizationType? = nil,
    packCache: String? = nil, warning: @escaping @Sendable (String) -> Void = { _ in }
  ) throws {
    checkpoint = try Checkpoint.open(path)
    let shape = checkpoint.configuration.shape
    let pool = WorkerPool(threadCount: threads)
    compute = try Compute(pool: pool, instructionSet: instructionSet, precision: precision)
    let blocks = (capacity + KVGeometry.pageSize - 1) / KVGeometry.pageSize
    store = KVStore(
      geometry: KVGeometry(
        layerCount: shape.layerCount, headCount: shape.kvHeadCount,
        headDimension: shape.headDimension, key: kv, value: kv), blockCount: blocks * sequences)
    backend = PagedAttention(compute: compute, store: store)
    model = try ModelArchitectures.load(
      checkpoint, roles: roles, contextLength: contextLength ?? shape.contextLength,
      loader: WeightLoader(
        for: checkpoint, precision: precision, quantization: quantization, packCache: packCache,
        pool: pool, warning: warning))
    workspace = Workspace(checkpoint.configuration, maxRows: capacity, maxLogitRows: capacity)
    // Out of order, as pages are after a while.
    spare = (0..<blocks * sequences).map { PageID($0 * 7 % (blocks * sequences)) }
    if Set(spare).count < spare.count { spare = spare.indices.map { PageID($0) } }
    pages = Array(spare.suffix(blocks))
    spare.removeLast(blocks)
  }

  /// Blocks for another sequence.
  func takePages(tokens: Int) -> [PageID] {
    let count = (tokens + KVGeometry.pageSize - 1) / KVGeometry.pageSize
    defer { spare.removeLast(count) }
    return Array(spare.suffix(count))
  }

  /// Logits of every token, computed in chunks.
  func logits(_ tokens: [TokenID], chunk: Int? = nil) -> [[Float]] {
    var result: [[Float]] = []
    var start = 0
    while start < tokens.count {
      let end = min(tokens.count, start + (chunk ?? tokens.count))
      result += step(Array(tokens[start..<end]), firstIndex: start)
      start = end
    }
    return result
  }

  /// Logits of one step's tokens of the first sequence.
  func step(_ tokens: [TokenID], firstIndex: Int, parents: [Int]? = nil) -> [[Float]] {
    var batch = ForwardBatch()
    batch.append(tokens: tokens[...], firstIndex: firstIndex, pages: pages, parents: parents)
    return run(batch)
  }

  /// Logits of all rows of a batch.
  func run(_ batch: ForwardBatch) -> [[Float]] {
    model.forward(
      batch, store: store, backend: backend, compute: compute, workspace: workspace)
    let rows = Array(0..<batch.rowCount)
    model.logits(of: rows[...], compute: compute, workspace: workspace)
    return rows.map { workspace.logits.row($0) }
  }

  func greedy(_ prompt: [TokenID], count: Int) -> [TokenID] {
    var tokens = prompt
    var last = logits(prompt).last!
    for index in 0..<count {
      let next = TokenID(last.indices.max { (last[$0], $1) < (last[$1], $0) }!)
      tokens.append(next)
      if index < count - 1 { last = step([next], firstIndex: tokens.count - 1)[0] }
    }
    return Array(tokens[prompt.count...])
  }
}

/// The largest absolute difference; infinity when shapes differ or a number is NaN.
func largestDifference(_ a: [[Float]], _ b: [[Float]]) -> Float {
  guard a.map(\.count) == b.map(\.count) else { return .infinity }
  var largest: Float = 0
  for (x, y) in zip(a.joined(), b.joined()) {
    let difference = abs(x - y)
    if difference.isNaN { return .infinity }
    largest = max(largest, difference)
  }
  return largest
}

/// Whether all numbers have the same bits.
func sameBits(_ a: [[Float]], _ b: [[Float]]) -> Bool {
  a.map { $0.map(\.bitPattern) } == b.map { $0.map(\.bitPattern) }
}
