import ApusCore
import CApusKernels

/// Random queries and pages, as the attention kernels see them.
final class AttentionProblem: CustomStringConvertible {
  static let headDimensions = [4, 7, 24, 64, 80, 96, 112, 128, 256]

  struct Shape {
    var headDimension = 64
    var group = 1
    var rows = 1
    var firstIndex = 0
    var keyType = APUS_KV_F32
    var valueType = APUS_KV_F32
    var sinks = 0
    var window = 0
    var tree: [UInt64]?
    var softcap: Float = 0
    /// How numbers of 16 bits are multiplied.
    var halves = Int32(APUS_AS_FLOATS)
    /// Queries and keys with huge, infinite and NaN numbers.
    var wild = false

    var keyCount: Int { firstIndex + rows }
    var padded: Int { (headDimension + 15) / 16 * 16 }
  }

  struct Partial {
    var output: [Float]
    var maximum: [Float]
    var sum: [Float]
  }

  let shape: Shape
  private(set) var keys: [[Float]] = []
  private(set) var values: [[Float]] = []
  let queries: [Float]
  private let queryStride: Int
  private var arena: [UInt8]
  private let pages: [Int32]
  private let slotBytes: Int
  private let keyOffset: Int
  private let valueOffset: Int
  private static let pageStride = 3
  private static let pageOffset = 1

  var vectorCount: Int { shape.rows * shape.group }
  var pageCount: Int { (shape.keyCount + 31) / 32 }
  var scale: Float { 1 / Float(shape.headDimension).squareRoot() }
  var description: String { "\(shape)" }

  init(_ shape: Shape, seed: UInt64) {
    var random = RandomSource(seed: seed)
    self.shape = shape
    let dimension = shape.headDimension
    queryStride = shape.group * dimension + random.below(7)
    queries = random.floats(shape.rows * queryStride, wild: shape.wild)
    keyOffset = 128
    valueOffset = keyOffset + apus_kv_key_bytes(Int32(shape.keyType), dimension)
    let end = valueOffset + apus_kv_value_bytes(Int32(shape.valueType), shape.padded)
    slotBytes = (end + 63) / 64 * 64
    let count = (shape.keyCount + 31) / 32
    pages = (0..<Int32(count)).shuffled(using: &random)
    // What no token was written to holds anything, NaN included.
    arena = random.bytes(slotBytes * (count * Self.pageStride + 1))
    for index in 0..<shape.keyCount {
      store(
        index, key: random.floats(dimension, wild: shape.wild), value: random.floats(dimension))
    }
  }

  private func store(_ index: Int, key: [Float], value: [Float]) {
    let slot = Int(pages[index / 32]) * Self.pageStride + Self.pageOffset
    arena.withUnsafeMutableBufferPointer {
      let base = $0.baseAddress! + slot * slotBytes
      apus_kv_store(
        Int32(shape.keyType), Int32(shape.valueType), base + keyOffset, base + valueOffset,
        index % 32, shape.headDimension, shape.padded, key, value)
      keys.append(
        [Float](unsafeUninitializedCapacity: shape.headDimension) { buffer, count in
          apus_kv_load_key(
            Int32(shape.keyType), base + keyOffset, index % 32, shape.headDimension,
            buffer.baseAddress)
          count = shape.headDimension
        })
      values.append(
        [Float](unsafeUninitializedCapacity: shape.headDimension) { buffer, count in
          apus_kv_load_value(
            Int32(shape.valueType), base + valueOffset, index % 32, shape.headDimension,
            shape.padded, buffer.baseAddress)
          count = shape.headDimension
        })
    }
  }

  /// One query vector; with keys in 4 or 8 bits as it is rounded for them.
  func query(_ vector: Int) -> [Float] {
    let start =
      vector / shape.group * queryStride + vector % shape.group * shape.headDimension
    let query = Array(queries[start..<start + shape.headDimension])
    if multipliesPairs(shape.keyType) { return query.map(roundedToBF16) }
    guard shape.keyType >= APUS_KV_Q8_0 else { return query }
    // Keys in 4 bits are rotated, and the query is rounded as it is rotated for them.
    let isRotated = shape.keyType == APUS_KV_Q4_0
    let numbers = rounded(isRotated ? rotated(query) : query)
    return isRotated ? rotated(numbers) : numbers
  }

  private func rounded(_ query: [Float]) -> [Float] {
    stride(from: 0, to: query.count, by: 32).flatMap { first -> [Float] in
      let block = query[first..<min(first + 32, query.count)]
      let largest = block.map(abs).max()!
      return block.map { ($0 * (127 / largest)).rounded(.toNearestOrEven) * (largest / 127) }
    }
  }

  /// The product with Hadamard matrices of the largest power of two that divides the head, which are their own inverse;
  /// sums as the kernels make them, since what lies between two numbers of 8 bits falls to one side.
  private func rotated(_ vector: [Float]) -> [Float] {
    let size = vector.count & -vector.count
    var result = vector
    var half = 1
    while half < size {
      for index in result.indices where index & half == 0 {
        let (a, b) = (result[index], result[index + half])
        (result[index], result[index + half]) = (a + b, a - b)
      }
      half *= 2
    }
    return result.map { $0 * (1 / Float(size).squareRoot()) }
  }

  /// A key as it is multiplied.
  func key(_ index: Int) -> [Float] {
    multipliesPairs(shape.keyType) ? keys[index].map(roundedToBF16) : keys[index]
  }

  /// Whether a row reads a key, written down once more.
  func reads(row: Int, key: Int) -> Bool {
    var (own, position) = (shape.firstIndex + row, key)
    if let tree = shape.tree {
      own = shape.firstIndex + tree[row].nonzeroBitCount - 1
      if key >= shape.firstIndex {
        let bit = UInt64(1) << UInt64(key - shape.firstIndex)
        if tree[row] & bit == 0 { return false }
        position = shape.firstIndex + (tree[row] & (bit - 1)).nonzeroBitCount
      }
    }
    guard position <= own else { return false }
    return shape.window == 0 || position > own - shape.window || position < shape.sinks
  }

  func withDescriptor<R>(_ body: (UnsafePointer<apus_attention>) -> R) -> R {
    queries.withUnsafeBufferPointer { queries in
      arena.withUnsafeBufferPointer { arena in
        pages.withUnsafeBufferPointer { pages in
          (shape.tree ?? []).withUnsafeBufferPointer { tree in
            var a = apus_attention()
            (a.q, a.q_stride) = (queries.baseAddress, queryStride)
            (a.group, a.head_dim) = (shape.group, shape.headDimension)
            a.padded_dim = shape.padded
            (a.arena, a.slot_bytes) = (arena.baseAddress, slotBytes)
            (a.key_offset, a.value_offset) = (keyOffset, valueOffset)
            a.pages = pages.baseAddress
            (a.page_stride, a.page_offset) = (Self.pageStride, Self.pageOffset)
            (a.key_type, a.value_type) = (Int32(shape.keyType), Int32(shape.valueType))
            a.first_index = shape.firstIndex
            (a.sinks, a.window) = (shape.sinks, shape.window)
            a.tree = shape.tree == nil ? nil : tree.baseAddress
            (a.scale, a.softcap) = (scale, shape.softcap)
            a.halves = shape.halves
            let scratch = UnsafeMutablePointer<UInt8>.allocate(capacity: slotBytes)
            defer { scratch.deallocate() }
            a.scratch = scratch
            return body(&a)
          }
        }
      }
    }
  }

  func attend(_ table: KernelTable, vectors: Range<Int>? = nil, pages: Range<Int>? = nil) -> Partial
  {
    let vectors = vectors ?? 0..<vectorCount
    let pages = pages ?? 0..<pageCount
    let output = GuardedFloats([Float](repeating: 3, count: vectors.count * shape.padded))
    let maximum = GuardedFloats([Float](repeating: 3, count: vectors.count))
    let sum = GuardedFloats([Float](repeating: 3, count: vectors.count))
    withDescriptor {
      table.functions.pointee.attend(
        $0, vectors.lowerBound, vectors.upperBound, pages.lowerBound, pages.upperBound,
        output.base, maximum.base, sum.base)
    }
    precondition(output.marginsAreIntact && maximum.marginsAreIntact && sum.marginsAreIntact)
    return Partial(output: output.values, maximum: maximum.values, sum: sum.values)
  }

  /// Adds a partial of one vector to another, in place.
  static func merge(_ table: KernelTable, _ a: inout Partial, _ b: Partial) {
    precondition(a.sum.count == 1 && b.sum.count == 1)
    var (maximum, sum) = (a.maximum[0], a.sum[0])
    table.functions.pointee.merge(
      &a.output, &maximum, &sum, b.output, b.maximum[0], b.sum[0], a.output.count)
    (a.maximum[0], a.sum[0]) = (maximum, sum)
  }

  private func multipliesPairs(_ type: Int) -> Bool {
    shape.halves == APUS_AS_BF16 && (type == APUS_KV_F16 || type == APUS_KV_BF16)
  }

  /// Softmax attention of one vector in double precision, and how far rounded weights may lie from it.
  func naive(vector: Int) -> (output: [Double], weights: [Double], tolerance: [Double]) {
    let q = query(vector)
    var scores = keys.indices.map { index -> Double in
      guard reads(row: vector / shape.group, key: index) else { return -.infinity }
      var score = zip(q, key(index)).reduce(0) { $0 + Double($1.0) * Double($1.1) } * Double(scale)
      if shape.softcap > 0 {
        score = Double(shape.softcap) * hyperbolicTangent(score / Double(shape.softcap))
      }
      return score
    }
    let highest = scores.max()!
    scores = scores.map { exponential($0 - highest) }
    let total = scores.reduce(0, +)
    let weights = scores.map { $0 / total }
    let roundsValues = multipliesPairs(shape.valueType)
    var output = [Double](repeating: 0, count: shape.headDimension)
    for (weight, value) in zip(weights, values) where weight > 0 {
      for d in output.indices {
        output[d] += weight * Double(roundsValues ? roundedToBF16(value[d]) : value[d])
      }
    }
    return (output, weights, tolerance(weights, of: vector))
  }

  /// How far scores may lie from exact ones: that of sums of f16 numbers is rounded once a product.
  func scoreTolerance(vector: Int) -> Double {
    guard shape.halves == APUS_AS_F16 && shape.keyType == APUS_KV_F16 else { return 0 }
    let q = query(vector)
    return keys.map { zip(q, $0).reduce(0) { $0 + abs(Double($1.0 * $1.1)) } }.max()!
      * Double(scale) / 256
  }

  private func tolerance(_ weights: [Double], of vector: Int) -> [Double] {
    let ofScores = 2.5 * scoreTolerance(vector: vector)
    return (0..<shape.headDimension).map { d in
      let most = zip(weights, values).reduce(0) { $0 + $1.0 * abs(Double($1.1[d])) }
      return most * ofScores + ownTolerance(weights, d, most: most)
    }
  }

  /// What rounded weights do to component `d` of the output, which is at most `most`.
  private func ownTolerance(_ weights: [Double], _ d: Int, most: Double) -> Double {
    if multipliesPairs(shape.valueType)
      || shape.halves == APUS_AS_F16 && shape.valueType == APUS_KV_F16
    {
      return 1e-5 + most / 256
    }
    guard shape.valueType >= APUS_KV_Q8_0 else { return 1e-5 }
    // The page's largest product of weight and scale is that many steps; each weight is half a step off at most.
    let (steps, most) = shape.valueType == APUS_KV_Q8_0 ? (254.0, 127.0) : (127.0, 8.0)
    return (0..<pageCount).reduce(1e-5) { sum, page in
      let tokens = page * 32..<min(page * 32 + 32, keys.count)
      let scales = tokens.map { Double(values[$0].map(abs).max()!) / most }
      let step = zip(tokens, scales).map { weights[$0] * $1 }.max()! / steps
      let block = d / 32 * 32..<min(d / 32 * 32 + 32, shape.headDimension)
      return zip(tokens, scales).reduce(sum) { sum, token in
        let own = Double(values[token.0][block].map(abs).max()!) / most
        guard weights[token.0] > 0, own > 0 else { return sum }
        return sum + 0.51 * step * abs(Double(values[token.0][d])) / own
      }
    }
  }
}

private func roundedToBF16(_ x: Float) -> Float {
  let bits = x.bitPattern
  return Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000)
}
