import ApusAttention
import ApusCompute
import ApusCore
import ApusModels
import Testing

/// Draft trees: every token's logits are those of its branch run alone; a rejected branch leaves no trace.
@Suite(.serialized) struct TreeTests {
  static let parents = [-1, 0, 0, 1, 2, -1, 5, 4, 3, 7, 6, 9]

  private func model(_ folder: TemporaryFolder) throws -> (RandomModel, String) {
    let random = RandomModel(type: .q8_0)
    return (random, try random.write(to: folder))
  }

  private func branch(_ parents: [Int], to leaf: Int) -> [Int] {
    var path: [Int] = []
    var index = leaf
    while index >= 0 {
      path.insert(index, at: 0)
      index = parents[index]
    }
    return path
  }

  /// `prefix` runs over positions in the page, so that branches cross its end; 512 is the end of a split.
  @Test(arguments: [1, 20, 27, 31, 32, 505, 1100], [KVElement.f32, .f16])
  func branchesEqualSequences(prefix: Int, kv: KVElement) throws {
    let folder = try TemporaryFolder()
    let (random, path) = try model(folder)
    let tokens = random.tokens(prefix, seed: 8)
    let drafts = random.tokens(Self.parents.count, seed: 9)
    let tree = try ModelHarness(path, kv: kv, threads: 2, capacity: 1200)
    _ = tree.logits(tokens)
    let logits = tree.step(drafts, firstIndex: prefix, parents: Self.parents)
    let alone = try ModelHarness(path, kv: kv, capacity: 1200)
    _ = alone.logits(tokens)
    for leaf in Self.parents.indices {
      let path = branch(Self.parents, to: leaf)
      let rows = alone.step(path.map { drafts[$0] }, firstIndex: prefix)
      #expect(sameBits([logits[leaf]], [rows.last!]), "token \(leaf)")
    }
  }

  /// An accepted branch, moved to consecutive indices, leaves the cache as if it had been decoded one by one.
  @Test func acceptedBranchContinues() throws {
    let folder = try TemporaryFolder()
    let (random, path) = try model(folder)
    let tokens = random.tokens(30, seed: 12)
    let drafts = random.tokens(Self.parents.count, seed: 13)
    let branch = branch(Self.parents, to: Self.parents.count - 1)
    let tree = try ModelHarness(path, kv: .f16)
    _ = tree.logits(tokens)
    _ = tree.step(drafts, firstIndex: 30, parents: Self.parents)
    for (depth, index) in branch.enumerated() {
      tree.store.copy(token: 30 + index, to: 30 + depth, pages: tree.pages)
    }
    let next = tree.step([3], firstIndex: 30 + branch.count)
    let alone = try ModelHarness(path, kv: .f16)
    let rows = alone.logits(tokens + branch.map { drafts[$0] } + [3])
    #expect(branch != Array(branch.indices))
    #expect(sameBits(next, [rows.last!]))
  }

  @Test func chainEqualsSequence() throws {
    let folder = try TemporaryFolder()
    let (random, path) = try model(folder)
    let tokens = random.tokens(120, seed: 10)
    let whole = try ModelHarness(path, kv: .f16).logits(tokens)
    let model = try ModelHarness(path, kv: .f16)
    var logits = model.logits(Array(tokens[..<60]))
    logits += model.step(
      Array(tokens[60...]), firstIndex: 60, parents: Array(-1..<59))
    #expect(sameBits(logits, whole))
  }

  @Test func windowsCountDepth() throws {
    let golden = try ModelFixture(name: "mistral").golden()
    let model = try ModelFixture(name: "mistral").harness(.huggingFace, golden: golden) {
      try ModelHarness($0)
    }
    let prefix = Array(golden.sequence[..<20])
    let drafts = Array(golden.sequence[20..<32])
    _ = model.logits(prefix)
    let logits = model.step(drafts, firstIndex: 20, parents: Self.parents)
    for leaf in Self.parents.indices {
      let path = branch(Self.parents, to: leaf)
      let rows = model.step(path.map { drafts[$0] }, firstIndex: 20)
      #expect(largestDifference([logits[leaf]], [rows.last!]) < 1e-3, "token \(leaf)")
    }
  }

  /// The keys of rejected drafts are overwritten by what comes instead.
  @Test func rollback() throws {
    let folder = try TemporaryFolder()
    let (random, path) = try model(folder)
    let tokens = random.tokens(150, seed: 11)
    let whole = try ModelHarness(path, kv: .f16).logits(tokens)
    let model = try ModelHarness(path, kv: .f16)
    var logits: [[Float]] = []
    var start = 0
    while start < tokens.count {
      // A tree of wrong drafts, then a wrong chain over a page's end, then the truth.
      let wrong = random.tokens(Self.parents.count, seed: UInt64(100 + start))
      _ = model.step(wrong, firstIndex: start, parents: Self.parents)
      _ = model.step(random.tokens(40, seed: UInt64(start)), firstIndex: start)
      let end = min(tokens.count, start + 23)
      logits += model.step(Array(tokens[start..<end]), firstIndex: start)
      start = end
    }
    #expect(sameBits(logits, whole))
  }
}
