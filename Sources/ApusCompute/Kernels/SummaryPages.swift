import ApusCore
import CApusKernels

/// Rows of numbers in 8 bits, laid out as the kernels read keys, such as what stands for the parts of a page of keys.
///
/// Each 32 numbers of a row share a scale; rows that are wider than keys may be are in 16 bits.
public struct SummaryPages: Sendable {
  public private(set) var count = 0
  /// Numbers of a row; known when there is one.
  private(set) var width = 0
  /// [rows / 32][width, 32 rows]
  private var bytes: [UInt8] = []
  private static let kernels = UnsafeKernels(table: apus_kernels_best())

  public init() {}

  private var element: KVElement { width <= KVGeometry.largestHeadDimension ? .q8_0 : .f16 }
  /// Bytes of so many rows as a page has keys.
  private var pageBytes: Int { apus_kv_key_bytes(element.rawValue, width) }

  /// Adds a row; all rows have as many numbers, at most twice those of a head.
  public mutating func append(_ row: [Float]) {
    if count == 0 { width = row.count }
    precondition(row.count == width, "a row of \(row.count) numbers among those of \(width)")
    precondition(width <= Int(APUS_MOST_SUMMARY), "a row of \(width) numbers")
    let (page, token) = (count / KVGeometry.pageSize, count % KVGeometry.pageSize)
    if token == 0 { bytes.append(contentsOf: repeatElement(0, count: pageBytes)) }
    let start = page * pageBytes
    let type = element.rawValue
    bytes.withUnsafeMutableBufferPointer {
      apus_kv_store_key(type, $0.baseAddress! + start, token, width, row)
    }
    count += 1
  }

  /// The product of each of `vectors`, one behind the other, with each row, times `scale`: [vectors * count].
  public func products(with vectors: [Float], scale: Float) -> [Float] {
    guard count > 0 else { return [] }
    precondition(vectors.count % width == 0, "\(vectors.count) numbers for rows of \(width)")
    let group = vectors.count / width
    let pages = (0..<Int32(KVGeometry.pageCount(count))).map { $0 }
    return [Float](unsafeUninitializedCapacity: group * count) { products, initialized in
      bytes.withUnsafeBufferPointer { bytes in
        vectors.withUnsafeBufferPointer { vectors in
          pages.withUnsafeBufferPointer { pages in
            var descriptor = apus_attention()
            descriptor.q = vectors.baseAddress
            descriptor.group = group
            descriptor.head_dim = width
            descriptor.arena = bytes.baseAddress
            descriptor.slot_bytes = pageBytes
            descriptor.key_type = element.rawValue
            descriptor.scale = scale
            descriptor.pages = pages.baseAddress
            descriptor.page_stride = 1
            Self.kernels.table.pointee.raw_scores(
              &descriptor, 0, group, count, products.baseAddress)
          }
        }
      }
      initialized = group * count
    }
  }
}
