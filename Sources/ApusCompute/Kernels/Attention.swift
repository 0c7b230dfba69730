import ApusCore
import CApusKernels

extension Compute {
  /// Keys of one split: partial results are always taken over whole splits and merged in order, whatever the number
  /// of rows or threads, so that the result has the same bits.
  public static let attentionSplit = Int(APUS_SPLIT_PAGES * APUS_PAGE)
  static let splitPages = Int(APUS_SPLIT_PAGES)

  /// Computes the items; those without a partial write rows [batch, headCount * headDimension] of `output`.
  public func attend(
    _ items: [AttentionItem], queries: borrowing Matrix, slices: [AttentionSlice],
    layer: AttentionLayer, arena: KVArena, partials: inout PartialResults,
    into output: inout Matrix
  ) {
    pool.run(
      items.count,
      AttentionTask(
        work: AttentionWork(
          self, slices: slices, layer: layer, arena: arena, partials: partials, output: output),
        items: items, queries: UnsafePointer(queries.base), stride: queries.columns))
  }

  /// Merges partials in the order of `parts`, which names the first vector of each, and writes the output.
  public func merge(
    _ merges: [AttentionMerge], parts: [Int32], slices: [AttentionSlice], layer: AttentionLayer,
    arena: KVArena, partials: inout PartialResults, into output: inout Matrix
  ) {
    pool.run(
      merges.count,
      MergeTask(
        work: AttentionWork(
          self, slices: slices, layer: layer, arena: arena, partials: partials, output: output),
        merges: merges, parts: parts))
  }
}

/// What the tasks of attention share.
private struct AttentionWork: ~Copyable {
  let table: UnsafePointer<apus_kernels>
  let halves: HalfArithmetic
  let slices: [AttentionSlice]
  let layer: AttentionLayer
  let arena: KVArena
  let outputs: UnsafeMutablePointer<Float>
  let maxima: UnsafeMutablePointer<Float>
  let sums: UnsafeMutablePointer<Float>
  let target: OutputRows

  init(
    _ compute: Compute, slices: [AttentionSlice], layer: AttentionLayer, arena: KVArena,
    partials: borrowing PartialResults, output: borrowing Matrix
  ) {
    table = compute.kernels.table
    halves = compute.halves
    self.slices = slices
    self.layer = layer
    self.arena = arena
    outputs = partials.outputs.base
    maxima = partials.maxima.base
    sums = partials.sums.base
    target = OutputRows(output: output.base, stride: output.columns)
  }

  var padded: Int { arena.geometry.paddedDimension }

  func write(
    _ source: UnsafePointer<Float>, _ sums: UnsafePointer<Float>, slice: Int32, head: Int32,
    vectors: Range<Int>
  ) {
    target.write(
      source, sums, vectors: vectors, slice: slices[Int(slice)], head: Int(head), layer: layer,
      geometry: arena.geometry)
  }
}

private struct AttentionTask: WorkerTask, ~Copyable {
  let work: AttentionWork
  let items: [AttentionItem]
  let queries: UnsafePointer<Float>
  let stride: Int

  func run(_ index: Int) {
    let item = items[index]
    let (table, padded) = (work.table, work.padded)
    let slice = work.slices[Int(item.slice)]
    let (layer, head) = (work.layer.layer, Int(item.head))
    let pageCount = slice.pageCount(layer: layer, head: head)
    slice.withDescriptor(
      queries: queries, stride: stride, layer: work.layer, head: Int(item.head), arena: work.arena,
      halves: work.halves
    ) { descriptor in
      if item.partial >= 0 {
        let first = Int(item.partial)
        table.pointee.attend(
          descriptor, Int(item.vectorBegin), Int(item.vectorEnd),
          Int(item.splitBegin) * Compute.splitPages,
          min(Int(item.splitEnd) * Compute.splitPages, pageCount),
          work.outputs + first * padded, work.maxima + first, work.sums + first)
        guard slice.splitCount(layer: layer, head: head) == 1 else { return }
        work.write(
          work.outputs + first * padded, work.sums + first, slice: item.slice, head: item.head,
          vectors: item.vectors)
      } else {
        table.attendWhole(
          descriptor, vectors: item.vectors, splits: Int(item.splitEnd),
          pageCount: pageCount, padded: padded
        ) { output, _, sums in
          work.write(output, sums, slice: item.slice, head: item.head, vectors: item.vectors)
        }
      }
    }
  }
}

private struct MergeTask: WorkerTask, ~Copyable {
  let work: AttentionWork
  let merges: [AttentionMerge]
  let parts: [Int32]

  func run(_ index: Int) {
    let merge = merges[index]
    let (count, padded) = (Int(merge.vectorCount), work.padded)
    let first = Int(parts[Int(merge.partBegin)])
    for part in Int(merge.partBegin) + 1..<Int(merge.partEnd) {
      for vector in 0..<count {
        let other = Int(parts[part]) + vector
        work.table.pointee.merge(
          work.outputs + (first + vector) * padded, work.maxima + first + vector,
          work.sums + first + vector, work.outputs + other * padded, work.maxima[other],
          work.sums[other], padded)
      }
    }
    work.write(
      work.outputs + first * padded, work.sums + first, slice: merge.slice, head: merge.head,
      vectors: 0..<count)
  }
}

extension UnsafePointer<apus_kernels> {
  /// All splits of one range of vectors, merged one after the other.
  ///
  /// `finish` gets the outputs, maxima and sums.
  func attendWhole(
    _ descriptor: UnsafePointer<apus_attention>, vectors: Range<Int>, splits: Int, pageCount: Int,
    padded: Int,
    _ finish: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>) -> Void
  ) {
    let count = vectors.count
    let size = count * (padded + 2)
    withUnsafeTemporaryAllocation(byteCount: 2 * size * 4, alignment: 64) { memory in
      let result = memory.baseAddress!.bindMemory(to: Float.self, capacity: 2 * size)
      for split in 0..<max(splits, 1) {
        let part = split == 0 ? result : result + size
        pointee.attend(
          descriptor, vectors.lowerBound, vectors.upperBound, split * Compute.splitPages,
          Swift.min((split + 1) * Compute.splitPages, pageCount), part, part + count * padded,
          part + count * padded + count)
        guard split > 0 else { continue }
        for vector in 0..<count {
          pointee.merge(
            result + vector * padded, result + count * padded + vector,
            result + count * padded + count + vector, part + vector * padded,
            part[count * padded + vector], part[count * padded + count + vector], padded)
        }
      }
      finish(result, result + count * padded, result + count * padded + count)
    }
  }
}

extension AttentionSlice {
  func pageCount(layer: Int, head: Int) -> Int {
    KVGeometry.pageCount(keyCount(layer: layer, head: head))
  }

  /// Calls `body` with the kernels' view of this slice and one KV head.
  ///
  /// `queries` are those of the batch, `stride` numbers a row.
  func withDescriptor(
    queries: UnsafePointer<Float>, stride: Int, layer: AttentionLayer, head: Int, arena: KVArena,
    halves: HalfArithmetic, _ body: (UnsafePointer<apus_attention>) -> Void
  ) {
    let geometry = arena.geometry
    let column = head * (layer.headCount / geometry.headCount) * geometry.headDimension
    var descriptor = layer.descriptor(
      query: queries + rowStart * stride + column, stride: stride, head: head, arena: arena,
      halves: halves)
    let needed = pageCount(layer: layer.layer, head: head)
    if let views {
      views[layer.layer, head].withDescriptor(descriptor, pageCount: needed, body)
      return
    }
    precondition(pages.count >= needed, "\(pages.count) pages for \(needed)")
    descriptor.page_stride = geometry.slotsPerBlock
    descriptor.page_offset = layer.layer * geometry.headCount + head
    descriptor.first_index = firstIndex
    pages.withUnsafeBufferPointer { pages in
      descriptor.pages = pages.baseAddress
      if let tree {
        tree.withUnsafeBufferPointer {
          descriptor.tree = $0.baseAddress
          withUnsafeTemporaryAllocation(byteCount: geometry.slotByteCount, alignment: 64) {
            descriptor.scratch = $0.baseAddress?.assumingMemoryBound(to: UInt8.self)
            body(&descriptor)
          }
        }
      } else {
        body(&descriptor)
      }
    }
  }
}

extension AttentionLayer {
  /// What the kernels are told but for the keys; `query` is the first row's first query vector of the head.
  func descriptor(
    query: UnsafePointer<Float>, stride: Int, head: Int, arena: KVArena, halves: HalfArithmetic
  ) -> apus_attention {
    let geometry = arena.geometry
    let group = headCount / geometry.headCount
    var descriptor = apus_attention()
    descriptor.q = query
    descriptor.q_stride = stride
    descriptor.group = group
    descriptor.head_dim = geometry.headDimension
    descriptor.padded_dim = geometry.paddedDimension
    descriptor.arena = UnsafePointer(arena.storage.base)
    descriptor.slot_bytes = geometry.slotByteCount
    descriptor.key_offset = geometry.keyOffset
    descriptor.value_offset = geometry.valueOffset
    descriptor.key_type = geometry.key.rawValue
    descriptor.value_type = geometry.value.rawValue
    descriptor.halves = halves.rawValue
    descriptor.sinks = ranges[head].sinks
    descriptor.window = ranges[head].window
    descriptor.scale = scale
    descriptor.softcap = softcap
    return descriptor
  }
}

extension KeyView {
  /// Calls `body` with the descriptor `described` of these keys.
  func withDescriptor(
    _ described: apus_attention, pageCount: Int, _ body: (UnsafePointer<apus_attention>) -> Void
  ) {
    var descriptor = described
    precondition(slots.count >= pageCount, "\(slots.count) pages for \(pageCount)")
    precondition(masks.isEmpty || masks.count >= pageCount, "too few masks of pages")
    precondition(
      terms.isEmpty || terms.count >= 3 * pageCount * KVGeometry.pageSize, "too few terms of keys")
    descriptor.page_stride = 1
    descriptor.page_offset = 0
    descriptor.first_index = firstIndex
    descriptor.term_stride = terms.count / 3
    slots.withUnsafeBufferPointer { slots in
      masks.withUnsafeBufferPointer { masks in
        terms.withUnsafeBufferPointer { terms in
          descriptor.pages = slots.baseAddress
          descriptor.keys = masks.isEmpty ? nil : masks.baseAddress
          descriptor.terms = terms.isEmpty ? nil : terms.baseAddress
          body(&descriptor)
        }
      }
    }
  }
}

/// Writes finished vectors to the rows of the attention output.
private struct OutputRows {
  let output: UnsafeMutablePointer<Float>
  let stride: Int

  func write(
    _ source: UnsafePointer<Float>, _ sums: UnsafePointer<Float>, vectors: Range<Int>,
    slice: AttentionSlice, head: Int, layer: AttentionLayer, geometry: KVGeometry
  ) {
    let group = layer.headCount / geometry.headCount
    let dimension = geometry.headDimension
    for vector in vectors {
      let index = vector - vectors.lowerBound
      let row = slice.rowStart + vector / group
      let column = (head * group + vector % group) * dimension
      let target = output + row * stride + column
      let from = source + index * geometry.paddedDimension
      let inverse = sums[index] > 0 ? 1 / sums[index] : 0
      for d in 0..<dimension { target[d] = from[d] * inverse }
    }
  }
}
