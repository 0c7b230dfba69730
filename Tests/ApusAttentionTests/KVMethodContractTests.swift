import ApusAttention
import ApusCompute
import ApusCore
import ApusKV
import Foundation
import Testing

/// Every policy, over every format, with every selector, on random shapes.
@Suite(.serialized) struct KVMethodContractTests {
  private static let formats: [KVElement] = KVElement.allCases
  private static let rotation = KeyRotation(
    frequencies: (0..<32).map { pow(10_000, -Double($0) / 32) }, interleaved: false)

  /// A policy with a budget, whatever else it must be told.
  private func policy(_ name: String, budget: Int, heads: String) throws -> any KVPolicy {
    if name == "duo" {
      return try KVPolicies.make("duo:sinks=2,recent=\(budget - 2),heads=\(heads)")
    }
    let small: String
    switch name {
    case "streaming": small = ",sinks=2"
    case "snapkv", "pyramid", "adaptive", "speckv": small = ",window=4"
    case "sirllm": small = ",start=2,recent=8"
    case "razor": small = ",sinks=2,heads=\(heads)"
    case "gemfilter": small = ",layer=1"
    default: small = ""
    }
    return try KVPolicies.make("\(name):budget=\(budget)\(small)")
  }

  private func withPattern(_ body: (String) throws -> Void) throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).tsv")
    try Data("1\t0\n0\t1\n".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    try body(file.path)
  }

  /// How far rounding may take a result from the same sums in double precision.
  private func tolerance(_ format: KVElement) -> Float {
    switch format {
    case .f32: 1e-4
    case .f16, .bf16: 0.05
    case .q8_0, .q4_0: 0.12
    }
  }

  @Test(arguments: KVPolicies.catalog.names)
  func policiesOverFormatsWithSelectors(name: String) throws {
    try withPattern { heads in
      for (index, format) in Self.formats.enumerated() {
        for (number, selector) in KeySelectors.catalog.names.enumerated() {
          var random = RandomSource(seed: UInt64(index * 100 + number))
          let group = [1, 4, 7][number % 3]
          let dimension = [64, 80, 128][(number + index) % 3]
          let count = 1 + Int(random.nextUnit() * (number == 0 ? 3000 : 700))
          let budget = max(count / 5, 12)
          try check(
            policy(name, budget: budget, heads: heads), selector, format, count: count,
            group: group, dimension: dimension)
        }
      }
    }
  }

  private func check(
    _ policy: any KVPolicy, _ selector: String, _ format: KVElement, count: Int, group: Int,
    dimension: Int
  ) throws {
    var test = try KVMethodCase(
      count: count, group: group, dimension: dimension, format: format, seed: UInt64(count))
    test.apply(policy, rotation: Self.rotation)
    let all = test.attend()
    let label = "\(policy), \(selector), \(format), \(count) tokens of \(dimension), group \(group)"
    // What was evicted leaves nothing, and nothing moved: then it is the attention over what is kept.
    if policy.evicted == .forgotten, policy.positions == .original {
      for layer in 0..<KVMethodCase.layers {
        let difference = largestDifference(all[layer], test.expected(layer: layer))
        #expect(difference < tolerance(format), "\(label): \(difference) in layer \(layer)")
      }
    }
    #expect(all.allSatisfy { $0.allSatisfy(\.isFinite) }, "\(label)")
    // A selector that may read everything changes nothing; one that may not reads something sensible.
    let wide = test.attend(try KeySelectors.make("\(selector):budget=4096"))
    #expect(sameBits(wide, all), "\(label): a budget beyond all keys")
    let narrow = test.attend(try KeySelectors.make("\(selector):budget=128"))
    #expect(
      narrow.allSatisfy { $0.allSatisfy { $0.isFinite && abs($0) < 2.5 } }, "\(label): few keys")
  }

  @Test(arguments: KVPolicies.catalog.names)
  func aBudgetBeyondThePromptChangesNothing(name: String) throws {
    try withPattern { heads in
      var test = try KVMethodCase(count: 300, group: 3, dimension: 64, format: .f16, seed: 7)
      test.apply(try policy(name, budget: 300, heads: heads), rotation: Self.rotation)
      #expect(sameBits(test.attend(), test.attend(reading: test.pages)))
    }
  }

  @Test func compactPositionsAreThoseInTheCache() throws {
    var test = try KVMethodCase(count: 200, group: 1, dimension: 64, format: .f32, seed: 3)
    test.apply(
      try KVPolicies.make("streaming:budget=50,sinks=4"), rotation: Self.rotation)
    let cache = test.cache
    let view = try #require(cache).views[0, 0]
    #expect(view.firstIndex == 50)
    for index in 0..<50 {
      let slot = Int(view.slots[index / 32])
      #expect(test.store.arena.position(slot: slot, token: index % 32) == Int32(150 + index))
    }
    // The first key was turned from its own position to 150.
    let original = test.store.arena.key(
      slot: test.store.arena.slot(block: test.pages[0], layer: 0, head: 0), token: 0)
    let moved = test.store.arena.key(slot: Int(view.slots[0]), token: 0)
    #expect(largestDifference(moved, Self.rotation.rotate(original, by: 150)) < 1e-4)
  }

  @Test func layersThatShareADirectionAreCloseWhenTheyAgree() throws {
    // Of two layers with the same numbers, merging loses nothing.
    var test = try KVMethodCase(count: 200, group: 2, dimension: 64, format: .f32, seed: 5)
    for page in test.pages {
      for head in 0..<2 {
        test.store.arena.copy(
          slot: test.store.arena.slot(block: page, layer: 0, head: head),
          to: test.store.arena.slot(block: page, layer: 1, head: head))
      }
    }
    let before = test.attend()
    test.apply(
      try KVPolicies.make("minicache:budget=100,start=0"), rotation: Self.rotation)
    let after = test.attend()
    for layer in 0..<2 { #expect(largestDifference(before[layer], after[layer]) < 1e-3) }
    let optional = test.cache
    let cache = try #require(optional)
    #expect(
      cache.views[0, 0].slots.prefix(5) == cache.views[1, 0].slots.prefix(5), "shared pages")
  }

  @Test func theMeanOfWhatIsEvictedStandsForIt() throws {
    // With all keys and values of the evicted tokens equal, their mean weighted by their number is exact.
    var test = try KVMethodCase(count: 128, group: 1, dimension: 64, format: .f32, seed: 9)
    let arena = test.store.arena
    let slotCount = test.store.geometry.slotsPerBlock
    for slot in 0..<slotCount {
      let first = Int(test.pages[0]) * slotCount + slot
      let (key, value) = (arena.key(slot: first, token: 2), arena.value(slot: first, token: 2))
      for token in 2..<96 {
        arena.store(
          slot: Int(test.pages[token / 32]) * slotCount + slot, token: token % 32, key: key,
          value: value, position: Int32(token))
      }
    }
    let before = test.attend()
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).tsv")
    try Data("0\t0\n0\t0\n".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    test.apply(
      try KVPolicies.make("razor:budget=32,sinks=2,heads=\(file.path)"), rotation: Self.rotation)
    let leading = test.cache?.leading(layer: 0, head: 0)
    #expect(leading == 1)
    let after = test.attend()
    for layer in 0..<2 { #expect(largestDifference(before[layer], after[layer]) < 1e-4) }
  }
}
