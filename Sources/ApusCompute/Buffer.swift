import Foundation

/// Numbers in memory that is aligned to 64 bytes, zero at first and owned by one variable.
///
/// Large buffers come from anonymous memory that the system hands out page by page when it is first written.
public struct Buffer<Element: BitwiseCopyable>: ~Copyable {
  public let count: Int
  let base: UnsafeMutablePointer<Element>
  private let mappedByteCount: Int

  public init(count: Int) {
    let byteCount = max(count * MemoryLayout<Element>.stride, 1)
    let pageSize = Self.pageSize
    mappedByteCount = (byteCount + pageSize - 1) / pageSize * pageSize
    let address = mmap(
      nil, mappedByteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | Self.noReserve, -1, 0)
    guard let address, address != MAP_FAILED else {
      preconditionFailure("the system refused \(mappedByteCount) bytes of address space")
    }
    #if os(Linux)
      if mappedByteCount >= 1 << 21 { madvise(address, mappedByteCount, Self.hugePages) }
    #endif
    base = address.bindMemory(to: Element.self, capacity: count)
    self.count = count
  }

  /// Bytes of the smallest pages the system hands out.
  private static var pageSize: Int { 4096 }

  #if os(Linux)
    private static var noReserve: Int32 { Int32(MAP_NORESERVE) }
    /// MADV_HUGEPAGE, MADV_NOHUGEPAGE
    private static var hugePages: Int32 { 14 }
    private static var noHugePages: Int32 { 15 }
  #else
    private static var noReserve: Int32 { 0 }
  #endif

  deinit { munmap(UnsafeMutableRawPointer(base), mappedByteCount) }

  public subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count, "index outside of the buffer")
      return base[index]
    }
    set {
      precondition(index >= 0 && index < count, "index outside of the buffer")
      base[index] = newValue
    }
  }

  /// Writes `value` to the elements of `range` that are a page apart, so that the system hands their memory out now.
  mutating func touch(_ range: Range<Int>, with value: Element) {
    for index in stride(
      from: range.lowerBound, to: range.upperBound, by: Self.pageSize / MemoryLayout<Element>.stride
    ) {
      self[index] = value
    }
  }

  /// Gives the whole pages of memory inside `range` back to the system; their numbers are zero then.
  ///
  /// From then on the buffer gets small pages: a large one that is used again in part would be there as a whole.
  func discard(_ range: Range<Int>) {
    let (size, stride) = (Self.pageSize, MemoryLayout<Element>.stride)
    let start = (range.lowerBound * stride + size - 1) / size * size
    let end = range.upperBound * stride / size * size
    guard start < end else { return }
    #if os(Linux)
      if mappedByteCount >= 1 << 21 {
        madvise(UnsafeMutableRawPointer(base), mappedByteCount, Self.noHugePages)
      }
    #endif
    madvise(UnsafeMutableRawPointer(base) + start, end - start, MADV_DONTNEED)
  }

  /// A copy of the elements of `range`.
  public func array(_ range: Range<Int>) -> [Element] {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside of the buffer")
    return Array(UnsafeBufferPointer(start: base + range.lowerBound, count: range.count))
  }

  /// Overwrites the elements from `start` on.
  public mutating func store(_ elements: [Element], at start: Int = 0) {
    precondition(start >= 0 && start + elements.count <= count, "range outside of the buffer")
    elements.withUnsafeBufferPointer {
      if let source = $0.baseAddress { (base + start).update(from: source, count: $0.count) }
    }
  }

  /// Sets every element.
  public mutating func fill(_ value: Element) { base.update(repeating: value, count: count) }
}

/// Rows of floats, row-major: [rows, columns].
public struct Matrix: ~Copyable {
  public let rows: Int
  public let columns: Int
  var storage: Buffer<Float>
  var base: UnsafeMutablePointer<Float> { storage.base }

  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    storage = Buffer(count: rows * columns)
  }

  /// A copy of one row.
  public func row(_ index: Int) -> [Float] {
    storage.array(index * columns..<(index + 1) * columns)
  }

  /// Overwrites one row.
  public mutating func setRow(_ index: Int, _ values: [Float]) {
    precondition(values.count == columns, "\(values.count) numbers for a row of \(columns)")
    storage.store(values, at: index * columns)
  }

  /// Calls `body` with one row, without a copy.
  public func withRow<Result>(_ index: Int, _ body: (Span<Float>) throws -> Result) rethrows
    -> Result
  {
    precondition(index >= 0 && index < rows, "row outside of the matrix")
    return try body(
      Span(_unsafeStart: UnsafePointer(base + index * columns), count: columns))
  }

  /// Calls `body` with one row to change, without a copy.
  public mutating func withMutableRow<Result>(
    _ index: Int, _ body: (inout MutableSpan<Float>) throws -> Result
  ) rethrows -> Result {
    precondition(index >= 0 && index < rows, "row outside of the matrix")
    var span = MutableSpan(_unsafeStart: base + index * columns, count: columns)
    return try body(&span)
  }
}
