import ApusCompute
import ApusCore

/// One memory-mapped GGUF file, version 2 or 3, little endian, validated when it is opened.
///
/// Format: ggml's `docs/gguf.md`. Counts, lengths and offsets are checked against the file's size before use, so a
/// broken file costs neither a crash nor memory beyond a small multiple of its size.
package struct GGUFFile: Sendable {
  /// One key–value pair with the bytes of its value, for copying into another file.
  package struct Entry: Sendable {
    package let key: String
    package let type: GGUFValueType
    package let range: Range<Int>
  }

  package let file: MappedFile
  package let version: Int
  package let metadata: Metadata
  /// The pairs of `metadata` in the file's order.
  package let entries: [Entry]
  /// In the file's order.
  package let tensors: [TensorInfo]

  /// Maps and checks a file; throws `FileError` or `CheckpointError`.
  package init(path: String) throws {
    let file = try MappedFile(path: path)
    var cursor = GGUFCursor(file)
    version = try Self.readVersion(&cursor)
    let tensorCount = try cursor.count(of: "tensors", minimum: 8 + 4 + 8 + 4 + 8)
    let entryCount = try cursor.count(of: "key–value pairs", minimum: 8 + 4 + 1)
    (metadata, entries) = try Self.readMetadata(&cursor, count: entryCount)
    let alignment = try Self.alignment(metadata, cursor)
    let declarations = try (0..<tensorCount).map { _ in try Self.readTensor(&cursor) }
    tensors = try Self.place(
      declarations, in: file, headerEnd: cursor.offset, alignment: alignment)
    self.file = file
  }

  private static func readVersion(_ cursor: inout GGUFCursor) throws -> Int {
    guard cursor.remaining >= 8, try cursor.uint32() == 0x4655_4747 else {
      throw cursor.malformed("it does not start with the letters GGUF")
    }
    let version = try cursor.uint32()
    switch version {
    case 2, 3: return Int(version)
    case 0x0200_0000, 0x0300_0000: throw cursor.malformed("big-endian files are not supported")
    default: throw cursor.malformed("GGUF version \(version) is not supported, only 2 and 3 are")
    }
  }

  private static func readMetadata(
    _ cursor: inout GGUFCursor, count: Int
  ) throws -> (Metadata, [Entry]) {
    var metadata: Metadata = [:]
    var entries: [Entry] = []
    for _ in 0..<count {
      let key = try cursor.string()
      let type = try cursor.valueType()
      let start = cursor.offset
      guard metadata.updateValue(try cursor.value(type), forKey: key) == nil else {
        throw cursor.malformed("key '\(key)' stands twice")
      }
      entries.append(Entry(key: key, type: type, range: start..<cursor.offset))
    }
    return (metadata, entries)
  }

  private static func alignment(_ metadata: Metadata, _ cursor: GGUFCursor) throws -> Int {
    guard let value = metadata["general.alignment"] else { return 32 }
    guard let alignment = value.intValue, (8...1 << 20).contains(alignment),
      alignment.nonzeroBitCount == 1
    else { throw cursor.malformed("general.alignment is no power of two from 8 to 2^20") }
    return alignment
  }

  /// A tensor as the header names it; `offset` counts from the start of the data.
  private struct Declaration {
    let name: String
    let type: TensorType
    let shape: [Int]
    let offset: UInt64
  }

  private static func readTensor(_ cursor: inout GGUFCursor) throws -> Declaration {
    let name = try cursor.string()
    let dimensionCount = try cursor.uint32()
    guard (1...4).contains(dimensionCount) else {
      throw cursor.malformed("tensor '\(name)' has \(dimensionCount) dimensions")
    }
    var shape: [Int] = []
    for _ in 0..<dimensionCount {
      let dimension = try cursor.uint64()
      guard let dimension = Int(exactly: dimension) else {
        throw cursor.malformed("tensor '\(name)' has a dimension of \(dimension)")
      }
      shape.insert(dimension, at: 0)
    }
    let typeNumber = try cursor.uint32()
    guard let type = TensorType(rawValue: typeNumber) else {
      throw CheckpointError.unsupportedType(
        file: cursor.file.path, tensor: name, type: ggmlTypeName(typeNumber))
    }
    return Declaration(name: name, type: type, shape: shape, offset: try cursor.uint64())
  }

  private static func place(
    _ declarations: [Declaration], in file: MappedFile, headerEnd: Int, alignment: Int
  ) throws -> [TensorInfo] {
    func malformed(_ reason: String) -> CheckpointError {
      .malformed(file: file.path, reason: reason)
    }
    let dataStart = (headerEnd + alignment - 1) / alignment * alignment
    var names: Set<String> = []
    let tensors = try declarations.map { tensor in
      guard names.insert(tensor.name).inserted else {
        throw malformed("tensor '\(tensor.name)' stands twice")
      }
      guard let count = elementCount(ofShape: tensor.shape),
        tensor.shape[tensor.shape.count - 1] % tensor.type.blockSize == 0,
        let byteCount = tensor.type.byteCount(of: count)
      else {
        throw malformed(
          "tensor '\(tensor.name)' has shape \(tensor.shape), which \(tensor.type.name) cannot have"
        )
      }
      guard tensor.offset % UInt64(alignment) == 0 else {
        throw malformed("tensor '\(tensor.name)' starts at \(tensor.offset), which is unaligned")
      }
      let room = file.count - dataStart
      guard room >= byteCount, tensor.offset <= UInt64(room - byteCount) else {
        throw malformed(
          "tensor '\(tensor.name)' (\(byteCount) bytes at \(tensor.offset)) ends after the file")
      }
      return TensorInfo(
        name: tensor.name, type: tensor.type, shape: tensor.shape, file: file,
        offset: dataStart + Int(tensor.offset), byteCount: byteCount)
    }
    try checkOverlap(of: tensors, file: file.path)
    return tensors
  }
}

/// The name that ggml gives a type number, for error messages.
private func ggmlTypeName(_ number: UInt32) -> String {
  let names: [UInt32: String] = [
    4: "Q4_2", 5: "Q4_3", 9: "Q8_1", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
    21: "IQ3_S", 22: "IQ2_S", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M",
    34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
  ]
  return names[number].map { "\($0) (\(number))" } ?? "number \(number)"
}
