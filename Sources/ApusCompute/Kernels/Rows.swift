import CApusKernels

extension Compute {
  /// Copies rows of `input` to the first rows of `output`.
  public func gather(_ rows: ArraySlice<Int>, of input: borrowing Matrix, into output: inout Matrix)
  {
    precondition(input.columns == output.columns && rows.count <= output.rows)
    for (index, row) in rows.enumerated() {
      precondition(row >= 0 && row < input.rows, "row outside of the matrix")
      (output.base + index * output.columns).update(
        from: input.base + row * input.columns, count: input.columns)
    }
  }

  /// Decodes rows of a stored matrix (token embeddings) to the rows of `output`.
  public func lookUp(_ ids: [Int32], in table: StoredMatrix, into output: inout Matrix) {
    precondition(ids.count <= output.rows && table.columns == output.columns)
    for (index, id) in ids.enumerated() {
      precondition(id >= 0 && Int(id) < table.rows, "token outside of the vocabulary")
      apus_dequantize(
        table.type.rawValue, table.row(Int(id)), output.base + index * output.columns,
        table.columns)
    }
  }

  /// Adds the first `rows` rows of `input` to those of `output`.
  public func add(_ input: borrowing Matrix, rows: Int, to output: inout Matrix) {
    precondition(input.columns == output.columns && rows <= input.rows && rows <= output.rows)
    let (source, target, columns) = (input.base, output.base, input.columns)
    pool.rows(rows, of: columns) { _, range in
      for index in range.lowerBound * columns..<range.upperBound * columns {
        target[index] += source[index]
      }
    }
  }

  /// Transforms the first `rows` rows where they stand; only for transforms that keep the width.
  public func transform(_ matrix: inout Matrix, _ transform: RowTransform, rows: Int) {
    precondition(rows <= matrix.rows)
    if case .swiglu = transform { preconditionFailure("swiglu halves a row") }
    let (base, columns, table) = (matrix.base, matrix.columns, kernels.table)
    pool.rows(rows, of: columns) { _, range in
      for row in range {
        let numbers = base + row * columns
        transform.apply(table, numbers, count: columns, into: numbers)
      }
    }
  }
}
