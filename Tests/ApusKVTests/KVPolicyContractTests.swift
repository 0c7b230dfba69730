import ApusCore
import ApusKV
import Foundation
import Testing

/// What every policy of the catalog promises, on random views.
@Suite(.serialized) struct KVPolicyContractTests {
  private static let shape = KVShape(layerCount: 3, headCount: 4)
  private static let pattern = "1 0 0.5 0\n0 0 0 0\n1\t1\t1\t0.2\n"

  /// Options with which a policy has something to do on short texts.
  private static func options(_ name: String, budget: String) -> String {
    switch name {
    case "snapkv", "pyramid", "adaptive", "speckv": "budget=\(budget),window=8"
    case "sirllm": "budget=\(budget),start=2,recent=9"
    case "razor": "budget=\(budget),HEADS"
    case "duo": "sinks=3,recent=20,HEADS"
    case "gemfilter": "budget=\(budget),layer=1"
    default: "budget=\(budget)"
    }
  }

  /// Heads of a text whose newest token all hold; many scores are equal.
  private static func view(
    _ policy: any KVPolicy, layer: Int, even: Bool, random: inout RandomSource
  ) -> KVLayerView {
    let textCount = Int.random(in: 1...200, using: &random)
    let promptCount = Int.random(in: 1...textCount, using: &random)
    let surprise = (0..<textCount).map { _ in Float(random.nextUnit() * 8) }
    let share = random.nextUnit()
    func drawn() -> [Int32] {
      (0..<Int32(textCount)).filter { $0 == textCount - 1 || random.nextUnit() < share }
    }
    let shared = drawn()
    let heads = (0..<shape.headCount).map { head in
      let tokens = even ? shared : drawn()
      let score = tokens.map { _ in
        random.nextUnit() < 0.3 ? Float(0) : Float(Int.random(in: 0..<40, using: &random)) / 8
      }
      return KVHeadView(
        head: head,
        capacity: policy.capacity(
          layer: layer, head: head, of: shape, promptCount: promptCount),
        tokens: tokens, score: score, surprise: surprise)
    }
    return KVLayerView(layer: layer, shape: shape, promptCount: promptCount, heads: heads)
  }

  /// Even heads first, which is what all policies see at the end of a prompt.
  @Test(arguments: KVPolicies.catalog.names, ["24", "0.3"])
  func keepsWhatItMay(name: String, budget: String) throws {
    let policy = try make(
      name + ":" + Self.options(name, budget: budget), pattern: Self.pattern)
    try policy.validate(for: Self.shape)
    let keepsEverything: Bool
    if case .acrossLayers = policy.evicted {
      keepsEverything = true
    } else {
      keepsEverything = false
    }
    var random = RandomSource(seed: 7)
    for round in 0..<300 {
      let view = Self.view(
        policy, layer: round % Self.shape.layerCount, even: round % 2 == 0, random: &random)
      let kept = policy.retained(of: view)
      #expect(kept == policy.retained(of: view))
      try #require(kept.count == view.heads.count)
      for (head, kept) in zip(view.heads, kept) {
        #expect(zip(kept, kept.dropFirst()).allSatisfy { $0 < $1 })
        #expect(kept.allSatisfy { (0..<head.count).contains($0) })
        #expect(kept.last == head.count - 1, "the newest key is kept")
        if keepsEverything || head.count <= head.capacity { #expect(kept.count == head.count) }
        if !keepsEverything && name != "adaptive" { #expect(kept.count <= head.capacity) }
      }
      if !keepsEverything {
        let budget = view.heads.map { min($0.capacity, $0.count) }.reduce(0, +)
        let room = view.heads.map { min($0.capacity, 1 << 20) }.reduce(0, +)
        #expect(kept.map(\.count).reduce(0, +) <= room)
        // What is evicted is no more than has to be.
        #expect(kept.map(\.count).reduce(0, +) >= budget)
      }
    }
  }

  @Test(arguments: KVPolicies.catalog.names)
  func accumulatesOneNumberAKey(name: String) throws {
    let policy = try make(name + ":" + Self.options(name, budget: "24"), pattern: Self.pattern)
    var random = RandomSource(seed: 3)
    var score: [Float] = []
    for step in 0..<20 {
      let observed = (0..<score.count + step % 3).map { _ in Float(random.nextUnit()) }
      policy.accumulate(observed, vectors: 4, step: step, into: &score)
      #expect(score.count == observed.count)
      #expect(score.allSatisfy { $0.isFinite && $0 >= 0 })
    }
  }

  /// Every file of the folder, but for `Support`, is in the list.
  @Test func allFilesAreRegistered() throws {
    var root = URL(filePath: #filePath)
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let folder = root.appending(path: "Sources/ApusKV/Policies")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".swift") }.map { $0.replacing(".swift", with: "") }
    let types = KVPolicies.catalog.entries.map { String(describing: $0.element) }
    #expect(files.sorted() == types.sorted())
  }

  @Test func observesTheRowsThatAreWanted() {
    func observed(_ rows: KVNeeds.Rows, _ range: Range<Int>) -> Range<Int> {
      KVNeeds(mass: rows).observed(range, promptCount: 100)
    }
    #expect(observed(.none, 8..<16).isEmpty)
    #expect(observed(.every, 8..<16) == 8..<16)
    #expect(observed(.last, 8..<16) == 15..<16)
    #expect(observed(.promptEnd(10), 80..<95) == 90..<95)
    #expect(observed(.promptEnd(10), 0..<8).isEmpty)
    #expect(observed(.promptEnd(10), 100..<101).isEmpty)
    #expect(observed(.lookahead, 90..<108) == 100..<108)
    #expect(observed(.lookahead, 0..<100).isEmpty)
  }
}
