import ApusAttention
import ApusCompute
import ApusCore
import ApusKV
import Testing

@Suite(.serialized) struct PagedAttentionTests {
  static let lengths = [1, 31, 32, 33, 511, 512, 513, 1100]

  @Test(arguments: lengths, KVElement.allCases)
  func isSoftmaxAttention(tokens: Int, element: KVElement) throws {
    let rows = min(tokens, 5)
    let first = tokens - rows
    for precision in Precision.allCases {
      let test = try AttentionCase(
        tokens: tokens, rows: rows, element: element, precision: precision)
      // Keys in 4 or 8 bits meet a rounded query, those in 16 maybe one of bf16 numbers.
      let isExact = element == .f32 || precision == .full
      let tolerance: Float = element.isApproximate ? 2e-2 : isExact ? 1e-5 : 1e-2
      let output = test.attend(test.batch(rows: 0..<rows, firstIndex: first)).rows
      for row in 0..<rows {
        let expected = test.naive(row: row, keyCount: first + row + 1) { _, _ in true }
        #expect(largestDifference(output[row], expected) < tolerance)
      }
    }
  }

  /// Decode splits the keys over threads, prefill does not: the bits are the same.
  @Test(arguments: [1, 2, 3], [16, 24])
  func splitsChangeNothing(threads: Int, dimension: Int) throws {
    let rows = 70
    let test = try AttentionCase(tokens: 1200, rows: rows, dimension: dimension, threads: threads)
    let together = test.attend(test.batch(rows: 0..<rows, firstIndex: 1130)).rows
    for row in 0..<rows {
      let alone = test.attend(test.batch(rows: row..<row + 1, firstIndex: 1130 + row)).rows
      #expect(sameBits(alone, [together[row]]))
    }
    for size in [7, 15, 16, 17] {
      let some = test.attend(test.batch(rows: 3..<3 + size, firstIndex: 1133)).rows
      #expect(sameBits(some, Array(together[3..<3 + size])))
    }
  }

  /// Slices whose keys begin with the same pages read these together: the bits are the same.
  @Test(arguments: KVElement.allCases)
  func commonReadsChangeNothing(element: KVElement) throws {
    let test = try AttentionCase(tokens: 1700, rows: 40, element: element)
    var other = Array(test.pages.reversed())
    other.replaceSubrange(..<16, with: test.pages[..<16])
    var batch = ForwardBatch()
    // Of one row and of several; some part after one split, some with their last key in the middle of one.
    for (start, count, first, pages) in [
      (0, 1, 1100, test.pages), (1, 1, 1600, test.pages), (2, 3, 1024, test.pages),
      (5, 30, 1023, test.pages), (35, 1, 1500, other), (36, 2, 1200, other),
      (38, 1, 40, test.pages),
      (39, 1, 1699, test.pages),
    ] {
      batch.slices.append(
        AttentionSlice(rowStart: start, rowCount: count, firstIndex: first, pages: pages))
    }
    let separate = test.attend(batch, sharesReads: false).rows
    #expect(sameBits(test.attend(batch).rows, separate))
    let windowed = test.layer([.full, HeadRange(sinks: 3, window: 700)])
    #expect(
      sameBits(
        test.attend(batch, layer: windowed).rows,
        test.attend(batch, layer: windowed, sharesReads: false).rows))
    var plan = AttentionPlan()
    plan.plan(batch.slices, layer: 0, kvHeadCount: 2, group: 2, sharing: true)
    let shared = plan.items.count
    plan.plan(batch.slices, layer: 0, kvHeadCount: 2, group: 2, sharing: false)
    #expect(shared < plan.items.count)
  }

  /// Partials over whole splits, merged in order, are the attention; in any order they are it up to rounding.
  @Test func partialsMerge() throws {
    let test = try AttentionCase(tokens: 1500, rows: 1)
    let batch = test.batch(rows: 0..<1, firstIndex: 1499)
    let whole = test.attend(batch).rows[0]
    var partials = PartialResults(capacity: 12, dimension: test.store.geometry.paddedDimension)
    let groups = (0..<2).map { head in
      (0..<3).map {
        AttentionItem(
          slice: 0, head: head, vectors: 0..<2, splits: $0..<$0 + 1, partial: head * 6 + $0 * 2)
      }
    }
    for (order, isExact) in [([0, 1, 2], true), ([2, 0, 1], false), ([1, 2, 0], false)] {
      var output = Matrix(rows: 1, columns: whole.count)
      test.compute.attend(
        groups.flatMap { $0 }, queries: test.queries, slices: batch.slices, layer: test.layer(),
        arena: test.store.arena, partials: &partials, into: &output)
      test.compute.merge(
        (0..<2).map {
          AttentionMerge(slice: 0, head: $0, vectorCount: 2, parts: $0 * 3..<$0 * 3 + 3)
        }, parts: groups.flatMap { group in order.map { group[$0].partial } },
        slices: batch.slices, layer: test.layer(), arena: test.store.arena, partials: &partials,
        into: &output)
      let merged = output.row(0)
      #expect(largestDifference(merged, whole) < 1e-5)
      if isExact { #expect(sameBits([merged], [whole])) }
    }
  }

  /// The log-sum-exp of partials adds up to that of the whole.
  @Test func logSumExp() throws {
    let test = try AttentionCase(tokens: 1500, rows: 1, kvHeads: 1, group: 1)
    let batch = test.batch(rows: 0..<1, firstIndex: 1499)
    var partials = PartialResults(capacity: 3, dimension: 16)
    var output = Matrix(rows: 1, columns: 16)
    test.compute.attend(
      (0..<3).map {
        AttentionItem(slice: 0, head: 0, vectors: 0..<1, splits: $0..<$0 + 1, partial: $0)
      }, queries: test.queries, slices: batch.slices, layer: test.layer(),
      arena: test.store.arena, partials: &partials, into: &output)
    for split in 0..<3 {
      let keys = split * 512..<min(1500, split * 512 + 512)
      let weights = test.weights(row: 0, head: 0, keyCount: 1500) { keys.contains($0) }
      let expected = (0..<16).map { d in
        Float(keys.reduce(0) { $0 + weights[$1] * Double(test.values[0][$1][d]) })
      }
      #expect(largestDifference(partials.output(split, count: 16), expected) < 1e-5)
      let part = test.weights(row: 0, head: 0, keyCount: 1500) { _ in true }
      let share = keys.reduce(0) { $0 + part[$1] }
      let sum = (0..<3).map { Double(partials.logSumExp($0)) }
      let total = sum.map { exponential($0 - sum[0]) }.reduce(0, +)
      #expect(abs(exponential(sum[split] - sum[0]) / total - share) < 1e-5)
    }
  }

  @Test func slidingWindowAndStreamingHeads() throws {
    let test = try AttentionCase(tokens: 700, rows: 40)
    let first = 660
    for ranges in [
      [HeadRange(window: 100), .full], [HeadRange(sinks: 4, window: 64), HeadRange(window: 1)],
      [HeadRange(sinks: 40, window: 600), HeadRange(sinks: 650, window: 5)],
      [HeadRange(sinks: 1, window: 10_000), HeadRange(window: 660)],
    ] {
      let output = test.attend(
        test.batch(rows: 0..<40, firstIndex: first), layer: test.layer(ranges)
      ).rows
      for row in [0, 1, 39] {
        let own = first + row
        let expected = test.naive(row: row, keyCount: own + 1) { head, key in
          let range = ranges[head]
          return range.window == 0 || key > own - range.window || key < range.sinks
        }
        #expect(largestDifference(output[row], expected) < 1e-5, "\(ranges) row \(row)")
        let alone = test.attend(
          test.batch(rows: row..<row + 1, firstIndex: own), layer: test.layer(ranges)
        ).rows
        #expect(sameBits(alone, [output[row]]), "\(ranges) row \(row)")
      }
    }
  }

  /// Several sequences in one batch do not see each other.
  @Test func raggedBatch() throws {
    let test = try AttentionCase(tokens: 600, rows: 50)
    var batch = test.batch(rows: 0..<1, firstIndex: 599)
    batch.slices += test.batch(rows: 1..<34, firstIndex: 500).slices
    batch.slices += test.batch(rows: 34..<50, firstIndex: 0).slices
    let together = test.attend(batch).rows
    let alone = [(0..<1, 599), (1..<34, 500), (34..<50, 0)].flatMap { rows, first in
      test.attend(test.batch(rows: rows, firstIndex: first)).rows
    }
    #expect(sameBits(together, alone))
  }
}
