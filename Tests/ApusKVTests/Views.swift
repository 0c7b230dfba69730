import ApusCore
import ApusKV
import Foundation

/// A view of a layer whose heads have these scores, with the capacities that the policy gives.
func view(
  _ policy: any KVPolicy, scores: [[Float]], tokens: [Int32]? = nil, surprise: [Float] = [],
  layer: Int = 0, layerCount: Int = 1
) -> KVLayerView {
  let shape = KVShape(layerCount: layerCount, headCount: scores.count)
  let promptCount = scores.map(\.count).max() ?? 0
  let heads = scores.enumerated().map { head, scores in
    KVHeadView(
      head: head,
      capacity: policy.capacity(
        layer: layer, head: head, of: shape, promptCount: promptCount),
      tokens: tokens ?? (0..<scores.count).map { Int32($0) }, score: scores, surprise: surprise)
  }
  return KVLayerView(layer: layer, shape: shape, promptCount: promptCount, heads: heads)
}

/// What the policy that a text describes keeps of heads with these scores.
func kept(
  _ text: String, _ scores: [[Float]], tokens: [Int32]? = nil, surprise: [Float] = [],
  pattern: String = ""
) throws -> [[Int]] {
  let policy = try make(text, pattern: pattern)
  return policy.retained(
    of: view(policy, scores: scores, tokens: tokens, surprise: surprise))
}

/// Calls `body` with the path of a file that has this text.
func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
  let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString + ".tsv")
  try Data(text.utf8).write(to: url)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}

/// The policy whose option `heads` names a file with this text.
func make(_ text: String, pattern: String) throws -> any KVPolicy {
  try withFile(pattern) { path in
    try KVPolicies.make(text.replacing("HEADS", with: "heads=" + path))
  }
}
