import Dispatch
import Synchronization

/// Rewrites the rows of a stored matrix in another type, on several threads.
///
/// The result does not depend on the number of threads: blocks never cross rows.
package struct RowConversion: Sendable {
  package let source: TensorType
  package let target: TensorType
  package let columnCount: Int

  package init(from source: TensorType, to target: TensorType, columnCount: Int) {
    precondition(columnCount % source.blockSize == 0 && columnCount % target.blockSize == 0)
    precondition(source == target || target.hasEncoder)
    self.source = source
    self.target = target
    self.columnCount = columnCount
  }

  package var sourceRowByteCount: Int {
    columnCount / source.blockSize * source.blockByteCount
  }

  package var targetRowByteCount: Int {
    columnCount / target.blockSize * target.blockByteCount
  }

  /// Converts the rows that `rows` names, in that order.
  /// - Parameters:
  ///   - bytes: the whole matrix in the source's type.
  ///   - threadCount: at least 1.
  /// - Returns: the bytes in the target's type.
  /// - Throws: `RowConversionError` for the first row with a number that the target cannot hold.
  package func convert(_ bytes: RawSpan, rows: [Int], threadCount: Int) throws -> [UInt8] {
    let limit = bytes.byteCount / sourceRowByteCount
    precondition(rows.allSatisfy { $0 >= 0 && $0 < limit }, "row outside of the matrix")
    let badRow = Mutex<Int?>(nil)
    let result = [UInt8](unsafeUninitializedCapacity: rows.count * targetRowByteCount) {
      output, initialized in
      bytes.withUnsafeBytes { input in
        guard let start = input.baseAddress, let target = output.baseAddress else { return }
        // The input is only read, every thread writes rows of its own, and both stay valid until `concurrentPerform`
        // returns, when all threads are done.
        nonisolated(unsafe) let (from, to) = (start, target)
        let share = (rows.count + threadCount - 1) / threadCount
        let work = { @Sendable (index: Int) in
          let part = min(index * share, rows.count)..<min((index + 1) * share, rows.count)
          guard let bad = convert(from, into: to, rows: rows, part: part) else { return }
          badRow.withLock { $0 = min($0 ?? bad, bad) }
        }
        if threadCount > 1 {
          DispatchQueue.concurrentPerform(iterations: threadCount, execute: work)
        } else {
          work(0)
        }
      }
      initialized = rows.count * targetRowByteCount
    }
    if let index = badRow.withLock({ $0 }) { throw RowConversionError(row: rows[index]) }
    return result
  }

  /// Converts `part` of `rows`; returns the index in `rows` of the first row that does not fit.
  func convert(
    _ from: UnsafeRawPointer, into to: UnsafeMutablePointer<UInt8>, rows: [Int], part: Range<Int>
  ) -> Int? {
    guard source != target else {
      for index in part {
        (to + index * targetRowByteCount).update(
          from: (from + rows[index] * sourceRowByteCount).assumingMemoryBound(to: UInt8.self),
          count: targetRowByteCount)
      }
      return nil
    }
    let encoder = BlockEncoder()
    var row = [Float](repeating: 0, count: columnCount)
    var bad: Int?
    for index in part {
      var span = row.mutableSpan
      let bytes = UnsafeRawBufferPointer(
        start: from + rows[index] * sourceRowByteCount, count: sourceRowByteCount)
      dequantize(source, RawSpan(_unsafeBytes: bytes), into: &span)
      row.withUnsafeBufferPointer { numbers in
        guard let start = numbers.baseAddress else { return }
        if bad == nil, !fits(numbers) { bad = index }
        encoder.encode(
          target, start, into: to + index * targetRowByteCount, count: columnCount)
      }
    }
    return bad
  }

  /// Whether all numbers are finite and within what the target's binary16 scales can express.
  private func fits(_ numbers: UnsafeBufferPointer<Float>) -> Bool {
    let limit: Float = target == .f32 || target == .bf16 ? .greatestFiniteMagnitude : 65504
    return numbers.allSatisfy { abs($0) <= limit }
  }
}

/// A row with NaN, infinity or a number beyond binary16.
package struct RowConversionError: Error, Equatable {
  package let row: Int
}
