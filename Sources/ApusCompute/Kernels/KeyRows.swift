import CApusKernels

/// Rows of floats, one behind the other, such as keys read from their slots, and what can stand for
/// them.
public struct KeyRows: Sendable {
  public let dimension: Int
  public private(set) var count = 0
  /// [count][dimension]
  public private(set) var numbers: [Float] = []

  public init(dimension: Int) { self.dimension = dimension }

  public subscript(row: Int) -> ArraySlice<Float> {
    numbers[row * dimension..<(row + 1) * dimension]
  }

  /// Forgets the rows and keeps the memory.
  public mutating func removeAll() {
    numbers.removeAll(keepingCapacity: true)
    count = 0
  }

  public mutating func append(_ row: [Float]) {
    precondition(row.count == dimension, "\(row.count) numbers for rows of \(dimension)")
    numbers += row
    count += 1
  }

  /// Adds the keys of some tokens of a slot.
  public mutating func append(keys tokens: Range<Int>, ofSlot slot: Int, in arena: KVArena) {
    let geometry = arena.geometry
    precondition(dimension == geometry.headDimension, "keys of other dimensions")
    precondition(tokens.lowerBound >= 0 && tokens.upperBound <= KVGeometry.pageSize)
    let base = arena.address(slot: slot) + geometry.keyOffset
    let start = numbers.count
    numbers.append(contentsOf: repeatElement(0, count: tokens.count * dimension))
    numbers.withUnsafeMutableBufferPointer { numbers in
      guard var row = numbers.baseAddress else { return }
      row += start
      for token in tokens {
        apus_kv_load_key(geometry.key.rawValue, base, token, dimension, row)
        row += dimension
      }
    }
    count += tokens.count
  }

  /// The mean of all rows.
  public func mean() -> [Float] {
    sum(of: 0..<count, factor: { _ in 1 / Float(count) })
  }

  /// The mean of the rows that `members` lists.
  public func mean(of members: [Int32]) -> [Float] {
    let factor = 1 / Float(members.count)
    return sum(of: members.indices, row: { Int(members[$0]) }, factor: { _ in factor })
  }

  /// The rows times their weights, added.
  public func sum(weights: [Float]) -> [Float] {
    precondition(weights.count == count, "\(weights.count) weights for \(count) rows")
    return sum(of: 0..<count, factor: { weights[$0] })
  }

  private func sum(
    of indices: Range<Int>, row: (Int) -> Int = { $0 }, factor: (Int) -> Float
  ) -> [Float] {
    var sum = [Float](repeating: 0, count: dimension)
    withRows(andOutput: &sum) { rows, sum in
      for index in indices {
        let row = row(index)
        precondition(row >= 0 && row < count, "row \(row) of \(count)")
        Self.add(rows + row * dimension, times: factor(index), to: sum, count: dimension)
      }
    }
    return sum
  }

  /// Of the rows that `members` lists, the sum of those of each label, each times its row's weight:
  /// `count` rows.
  package func sums(
    of members: [Int32], labels: [Int32], weights: [Float], count labelCount: Int
  ) -> KeyRows {
    precondition(labels.count == members.count && weights.count == count)
    var result = KeyRows(dimension: dimension)
    result.count = labelCount
    result.numbers = [Float](repeating: 0, count: labelCount * dimension)
    withRows(andOutput: &result.numbers) { rows, sums in
      for (member, label) in zip(members, labels) {
        let (member, label) = (Int(member), Int(label))
        precondition(member >= 0 && member < count && label >= 0 && label < labelCount)
        Self.add(
          rows + member * dimension, times: weights[member], to: sums + label * dimension,
          count: dimension)
      }
    }
    return result
  }

  /// The smallest and the largest number of each component.
  public func bounds() -> (smallest: [Float], largest: [Float]) {
    precondition(count > 0, "no rows have no bounds")
    var (smallest, largest) = (Array(self[0]), Array(self[0]))
    withRows(andOutput: &smallest) { rows, smallest in
      largest.withUnsafeMutableBufferPointer { largest in
        for row in 1..<max(count, 1) {
          let numbers = rows + row * dimension
          for d in 0..<dimension {
            smallest[d] = numbers[d] < smallest[d] ? numbers[d] : smallest[d]
            largest[d] = numbers[d] > largest[d] ? numbers[d] : largest[d]
          }
        }
      }
    }
    return (smallest, largest)
  }

  /// The product of each row with `vector`.
  public func products(with vector: [Float]) -> [Float] {
    precondition(vector.count == dimension, "\(vector.count) numbers for rows of \(dimension)")
    var products = [Float](repeating: 0, count: count)
    withRows(andOutput: &products) { rows, products in
      vector.withUnsafeBufferPointer { vector in
        for row in 0..<count {
          products[row] = Self.product(rows + row * dimension, vector.baseAddress!, dimension)
        }
      }
    }
    return products
  }

  /// The square of each row's length.
  package func squares() -> [Float] {
    var squares = [Float](repeating: 0, count: count)
    withRows(andOutput: &squares) { rows, squares in
      for row in 0..<count {
        let numbers = rows + row * dimension
        squares[row] = Self.product(numbers, numbers, dimension)
      }
    }
    return squares
  }

  private func withRows(
    andOutput output: inout [Float],
    _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) {
    numbers.withUnsafeBufferPointer { rows in
      output.withUnsafeMutableBufferPointer { output in
        guard let rows = rows.baseAddress, let output = output.baseAddress else { return }
        body(rows, output)
      }
    }
  }

  private static func add(
    _ row: UnsafePointer<Float>, times factor: Float, to sum: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    for d in 0..<count { sum[d] += row[d] * factor }
  }

  private static func product(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int
  ) -> Float {
    let (a, b) = (UnsafeRawPointer(a), UnsafeRawPointer(b))
    var sums = SIMD16<Float>(repeating: 0)
    let whole = count / 16 * 16
    for at in stride(from: 0, to: whole * 4, by: 64) {
      sums +=
        a.loadUnaligned(fromByteOffset: at, as: SIMD16<Float>.self)
        * b.loadUnaligned(fromByteOffset: at, as: SIMD16<Float>.self)
    }
    var sum = sums.sum()
    for d in whole..<count {
      sum +=
        a.load(fromByteOffset: d * 4, as: Float.self)
        * b.load(fromByteOffset: d * 4, as: Float.self)
    }
    return sum
  }
}
