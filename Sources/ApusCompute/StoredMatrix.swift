import CApusKernels
import Synchronization

/// Where the stored rows of a matrix lie: [rows, columns] of one type, in a mapped file or in memory.
public struct StoredMatrix: Sendable {
  public let type: TensorType
  public let rows: Int
  public let columns: Int
  let bytes: WeightBytes

  /// Rows inside a mapped file, from byte `offset` on.
  public init(file: MappedFile, offset: Int, type: TensorType, rows: Int, columns: Int) {
    let byteCount = rows * (columns / type.blockSize * type.blockByteCount)
    self.init(
      WeightBytes(file, offset..<offset + byteCount), type: type, rows: rows, columns: columns)
  }

  init(_ bytes: WeightBytes, type: TensorType, rows: Int, columns: Int) {
    self.bytes = bytes
    self.type = type
    self.rows = rows
    self.columns = columns
  }

  /// Bytes of one row.
  public var rowByteCount: Int { columns / type.blockSize * type.blockByteCount }

  func row(_ index: Int) -> UnsafeRawPointer {
    UnsafeRawPointer(bytes.base) + index * rowByteCount
  }

  /// One row as floats.
  public func floats(row index: Int) -> [Float] {
    precondition(index >= 0 && index < rows, "row outside of the matrix")
    return [Float](unsafeUninitializedCapacity: columns) { buffer, count in
      apus_dequantize(type.rawValue, row(index), buffer.baseAddress!, columns)
      count = columns
    }
  }

  /// Gives the memory of rows of a file back.
  func release(rows: Range<Int>) {
    bytes.release(rows.lowerBound * rowByteCount..<rows.upperBound * rowByteCount)
  }

  /// Bytes of a file that are read before their memory is given back.
  static let sliceByteCount = 8 << 20
}

extension StoredMatrix {
  /// The rows in another type, in memory; throws `RowConversionError` for a number that the type cannot hold.
  package func converted(to target: TensorType, pool: WorkerPool) throws -> StoredMatrix {
    let conversion = RowConversion(from: type, to: target, columnCount: columns)
    let memory = Buffer<UInt8>(count: rows * conversion.targetRowByteCount)
    // The rows are only read, and every task writes rows of its own.
    nonisolated(unsafe) let (source, output) = (row(0), memory.base)
    let order = Array(0..<rows)
    let badRow = Mutex<Int?>(nil)
    let step = max(1, Self.sliceByteCount / rowByteCount)
    for first in stride(from: 0, to: rows, by: step) {
      let slice = first..<min(first + step, rows)
      pool.ranges(slice.count, grain: 8) { _, part in
        let part = first + part.lowerBound..<first + part.upperBound
        guard let bad = conversion.convert(source, into: output, rows: order, part: part) else {
          return
        }
        badRow.withLock { $0 = min($0 ?? bad, bad) }
      }
      release(rows: slice)
    }
    if let row = badRow.withLock({ $0 }) { throw RowConversionError(row: row) }
    return StoredMatrix(WeightBytes(memory), type: target, rows: rows, columns: columns)
  }
}

/// Bytes of weights that stay as they are: a range of a mapped file, or memory that was filled once.
///
/// Unchecked: the bytes are constant, and what owns them lives as long as the object.
final class WeightBytes: @unchecked Sendable {
  let base: UnsafePointer<UInt8>
  let count: Int
  private let file: (file: MappedFile, start: Int)?
  private let memory: Buffer<UInt8>?
  private let chunk: WeightArena.Chunk?

  /// `range` must lie inside the file.
  init(_ file: MappedFile, _ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= file.count, "outside of the file")
    base = (file.base + range.lowerBound).assumingMemoryBound(to: UInt8.self)
    count = range.count
    self.file = (file, range.lowerBound)
    memory = nil
    chunk = nil
  }

  init(_ memory: consuming Buffer<UInt8>) {
    base = UnsafePointer(memory.base)
    count = memory.count
    file = nil
    self.memory = consume memory
    chunk = nil
  }

  /// A part of an arena's memory.
  fileprivate init(_ chunk: WeightArena.Chunk, _ range: Range<Int>) {
    base = UnsafePointer(chunk.memory.base + range.lowerBound)
    count = range.count
    file = nil
    memory = nil
    self.chunk = chunk
  }

  var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Gives the memory of a range back if it can be read again.
  func release(_ range: Range<Int>) {
    guard let (file, start) = file else { return }
    file.release(start + range.lowerBound..<start + range.upperBound)
  }
}

/// Memory for the weights of one model, side by side in pages as large as the system has.
///
/// Reading a matrix as one stream is twice as fast from large pages as from small ones, and most matrices of a small
/// model would not fill a large page of their own.
public final class WeightArena: Sendable {
  private let state = Mutex<(chunk: Chunk?, used: Int)>((nil, 0))
  private static let chunkByteCount = 64 << 20

  public init() {}

  /// Unchecked: parts of the memory are written by their users before they are shared.
  fileprivate final class Chunk: @unchecked Sendable {
    let memory = Buffer<UInt8>(count: WeightArena.chunkByteCount)
  }

  /// Memory of `count` bytes, written by `fill` before anybody else sees it.
  func allocate(_ count: Int, fill: (UnsafeMutablePointer<UInt8>) -> Void) -> WeightBytes {
    guard count <= Self.chunkByteCount / 4 else {
      let memory = Buffer<UInt8>(count: count)
      fill(memory.base)
      return WeightBytes(memory)
    }
    let (chunk, start) = state.withLock { state in
      if state.chunk == nil || state.used + count > Self.chunkByteCount {
        state = (Chunk(), 0)
      }
      defer { state.used += (count + 63) / 64 * 64 }
      return (state.chunk!, state.used)
    }
    fill(chunk.memory.base + start)
    return WeightBytes(chunk, start..<start + count)
  }
}
