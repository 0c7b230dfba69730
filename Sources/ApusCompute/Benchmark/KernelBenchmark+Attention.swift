import ApusCore
import CApusKernels

extension KernelBenchmark {
  private static let group = 4
  private static let tileRows = 16

  /// Every KV format with heads of 64 and 128 numbers: one row of 4 query heads that reads pages from memory, and a
  /// tile of 16 rows over pages in the cache.
  var attention: [Case] {
    KVElement.allCases.flatMap { type in
      [64, 128].flatMap { dimension in
        [(1, "decode"), (Self.tileRows, "prefill")].map { rows, kind in
          let name = "attend_\(type)_d\(dimension)_\(kind)"
          return Case(name: name) {
            self.attend(name, KVGeometry(dimension, type), rows: rows)
          }
        }
      }
    }
  }

  private func attend(_ name: String, _ geometry: KVGeometry, rows: Int) -> KernelMeasurement {
    let dimension = geometry.headDimension
    let splitPages = Compute.splitPages
    let vectors = rows * Self.group
    let stored = memory.count / geometry.slotByteCount / splitPages
    // Decoding meets each page once; in a tile few pages meet many queries.
    let splits = max(1, rows == 1 ? stored : min(stored, compute.pool.threadCount * 4))
    var random = RandomSource(seed: 2)
    let pages = (0..<Int32(splits * splitPages)).shuffled(using: &random)
    var queries = Buffer<UInt8>(count: vectors * dimension * 4)
    queries.fillWithHarmlessBytes()
    let outputs = Buffer<Float>(count: splits * vectors * (dimension + 2))
    let results = outputs.base
    var a = apus_attention()
    a.q = UnsafeRawPointer(queries.base).assumingMemoryBound(to: Float.self)
    a.q_stride = Self.group * dimension
    (a.group, a.head_dim, a.padded_dim) = (Self.group, dimension, geometry.paddedDimension)
    (a.arena, a.slot_bytes) = (UnsafePointer(memory.base), geometry.slotByteCount)
    (a.key_offset, a.value_offset) = (geometry.keyOffset, geometry.valueOffset)
    a.page_stride = 1
    (a.key_type, a.value_type) = (geometry.key.rawValue, geometry.value.rawValue)
    a.halves = compute.halves.rawValue
    a.first_index = pages.count * KVGeometry.pageSize
    a.scale = 1 / Float(dimension).squareRoot()
    return pages.withUnsafeBufferPointer { pages in
      a.pages = pages.baseAddress
      let call = { (table: UnsafePointer<apus_kernels>, split: Int, pageCount: Int) in
        let output = results + split * vectors * (dimension + 2)
        withUnsafePointer(to: a) {
          table.pointee.attend(
            $0, 0, vectors, split * splitPages, split * splitPages + pageCount, output,
            output + vectors * dimension, output + vectors * (dimension + 1))
        }
      }
      let table = table
      return measure(name, work: work(geometry, vectors: vectors, splits: splits)) {
        compute.pool.run(splits) { call(table, $0, splitPages) }
      } small: {
        call($0, 0, 4)
      }
    }
  }

  /// Products with keys and with values, in the arithmetic of their format.
  private func work(_ geometry: KVGeometry, vectors: Int, splits: Int) -> Work {
    let keys = splits * Compute.attentionSplit
    let products = 4 * Double(vectors * keys * geometry.headDimension)
    let slot = geometry.slotByteCount - geometry.keyOffset
    let bytes = Double(keys / KVGeometry.pageSize * slot)
    if geometry.key.isApproximate { return Work(bytes: bytes, int8: products) }
    return compute.halves.rounds(geometry.key)
      ? Work(bytes: bytes, halves: products) : Work(bytes: bytes, floats: products)
  }
}

extension KVGeometry {
  fileprivate init(_ dimension: Int, _ type: KVElement) {
    self.init(layerCount: 1, headCount: 1, headDimension: dimension, key: type, value: type)
  }
}
