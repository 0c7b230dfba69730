import ApusAttention
import ApusCompute
import ApusCore
import Testing

/// Random keys of one head in an arena, and query vectors for them.
struct SelectorCase {
  let dimension: Int
  let vectorCount: Int
  private let arena: KVArena
  /// The pages lie in it from back to front.
  private let slots: [Int32]
  private(set) var keys: [[Float]] = []
  private(set) var random: RandomSource
  var query: HeadQuery

  init(count: Int, dimension: Int = 64, vectors: Int = 2, seed: UInt64 = 1) {
    self.dimension = dimension
    vectorCount = vectors
    random = RandomSource(seed: seed)
    let pageCount = (count + HeadKeys.pageSize - 1) / HeadKeys.pageSize
    arena = KVArena(
      geometry: KVGeometry(
        layerCount: 1, headCount: 1, headDimension: dimension, key: .f32, value: .f32),
      blockCount: pageCount)
    slots = (0..<Int32(pageCount)).reversed()
    query = HeadQuery([Float](repeating: 0, count: dimension), dimension: dimension)
    for index in 0..<count {
      keys.append([])
      set(index, floats(dimension))
    }
    drawQuery()
  }

  /// Numbers with mean 0 and variance 1, nearly.
  mutating func floats(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      Float((random.nextUnit() + random.nextUnit() + random.nextUnit() - 1.5) * 2)
    }
  }

  mutating func drawQuery() {
    query = HeadQuery(floats(vectorCount * dimension), dimension: dimension)
  }

  mutating func set(_ index: Int, _ key: [Float]) {
    let slot = Int(slots[index / HeadKeys.pageSize])
    arena.store(
      slot: slot, token: index % HeadKeys.pageSize, key: key,
      value: [Float](repeating: 0, count: dimension), position: Int32(index))
    keys[index] = key
  }

  /// Makes a key a multiple of the first query vector.
  mutating func plant(_ index: Int, times factor: Float = 20) {
    set(index, query[0].map { $0 * factor })
  }

  /// q·k of a query vector.
  func product(_ vector: Int, _ key: Int) -> Float {
    zip(query[vector], keys[key]).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// The first `count` keys.
  func headKeys(_ count: Int? = nil, sentences: [Int] = []) -> HeadKeys {
    let count = count ?? keys.count
    return HeadKeys(arena: arena, slots: slots, count: count, sentences: sentences) {
      slots, count in
      (0..<vectorCount).flatMap { vector in
        (0..<count).map { index in
          let page = self.slots.firstIndex(of: slots[index / HeadKeys.pageSize])!
          return product(vector, page * HeadKeys.pageSize + index % HeadKeys.pageSize)
            / Float(dimension).squareRoot()
        }
      }
    }
  }

  /// One step of a selector over the first `count` keys.
  func select(
    _ selector: any KeySelector, _ memory: HeadMemory, count: Int? = nil, sentences: [Int] = []
  ) -> KeySelection {
    let keys = headKeys(count, sentences: sentences)
    var selection = KeySelection()
    // What an earlier head left must not stay.
    selection.pages = [7, 3]
    selection.masks = [0, 0, 0]
    selector.update(memory, keys: keys)
    selector.select(query, keys: keys, memory: memory, into: &selection)
    return selection
  }
}

extension KeySelection {
  /// The keys that are read.
  var keys: Set<Int> {
    var keys: Set<Int> = []
    for (index, page) in pages.enumerated() {
      let mask = masks.isEmpty ? UInt32.max : masks[index]
      for key in 0..<HeadKeys.pageSize where mask >> UInt32(key) & 1 == 1 {
        keys.insert(Int(page) * HeadKeys.pageSize + key)
      }
    }
    return keys
  }
}

/// Checks that making a selector throws an error that names the option.
func expectError(_ text: String, names option: String) {
  let error = #expect(throws: CatalogError.self) { try KeySelectors.make(text) }
  guard case .invalidOption(_, option, _, _) = error else {
    Issue.record("\(text): \(String(describing: error))")
    return
  }
}
