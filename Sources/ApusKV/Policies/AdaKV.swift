import ApusCore

/// SnapKV with budgets that differ between the heads of a layer: the highest scores of all of them are kept (Ada-KV,
/// arXiv:2407.11550).
///
/// Each head is sure of its window and of the share `floor` of the budget.
public struct AdaKV: KVPolicy {
  let attention: PooledAttention
  let floor: Double

  public init(options: PluginOptions) throws {
    attention = try PooledAttention(options: options)
    floor = try options.double("floor", in: 0...1) ?? 0.2
  }

  public var needs: KVNeeds { KVNeeds(mass: .promptEnd(attention.window)) }

  public func capacity(layer: Int, head: Int, of shape: KVShape, promptCount: Int) -> Int {
    attention.budget.tokens(of: promptCount)
  }

  public func retained(of layer: KVLayerView) -> [[Int]] {
    var kept: [[Int]] = []
    // Keys that no head is sure of, and the tokens that are left for them.
    var others: [(head: Int, index: Int, score: Float)] = []
    var left = 0
    for (number, head) in layer.heads.enumerated() {
      let scores = attention.scores(of: head)
      let sure = guaranteed(to: head, scores)
      kept.append(sure)
      guard head.count > head.capacity else { continue }
      left += head.capacity - sure.count
      let isSure = Set(sure)
      others += (0..<head.count).filter { !isSure.contains($0) }.map { (number, $0, scores[$0]) }
    }
    for place in (0..<others.count).highest(left, { others[$0].score }) {
      kept[others[place].head].append(others[place].index)
    }
    return kept.map { $0.sorted() }
  }

  /// What a head keeps whatever the others need; everything where it fits.
  private func guaranteed(to head: KVHeadView, _ scores: [Float]) -> [Int] {
    guard head.count > head.capacity else { return Array(0..<head.count) }
    let window = attention.window(ofCapacity: head.capacity)
    let before = 0..<head.count - window
    let share = Int(floor * Double(head.capacity)) - window
    return before.highest(share) { scores[$0] } + Array(before.upperBound..<head.count)
  }
}
