import ApusCompute

/// Writes a GGUF version 3 file front to back, without holding tensors in memory.
///
/// All tensors are named first, then their bytes follow in the same order. The file appears under its name when
/// `finish` returns; before that, or after an error, nothing is left behind.
package struct GGUFWriter: ~Copyable {
  package struct Tensor: Sendable, Equatable {
    package let name: String
    package let type: TensorType
    /// Outermost first.
    package let shape: [Int]

    package init(name: String, type: TensorType, shape: [Int]) {
      self.name = name
      self.type = type
      self.shape = shape
    }

    package var byteCount: Int { type.byteCount(of: shape.reduce(1, *)) ?? 0 }
  }

  static let alignment = 32

  private let file: OutputFile
  private let tensors: [Tensor]
  private var current = 0
  /// Bytes of the current tensor that are still to come.
  private var missing = 0

  /// Creates the file and writes its header; throws `FileError`.
  package init(
    path: String, metadata: [(key: String, value: GGUFValue)], tensors: [Tensor]
  ) throws {
    let file = try OutputFile(path: path)
    try file.write(Self.header(metadata: metadata, tensors: tensors))
    self.file = file
    self.tensors = tensors
    missing = tensors.first?.byteCount ?? 0
  }

  /// Appends bytes to the tensor that is not complete yet; they must not reach into the next one.
  package mutating func append(_ bytes: [UInt8]) throws {
    precondition(bytes.count <= missing, "more bytes than the tensor has")
    try file.write(bytes)
    missing -= bytes.count
    guard missing == 0, current < tensors.count else { return }
    try file.write([UInt8](repeating: 0, count: Self.padding(tensors[current].byteCount)))
    current += 1
    missing = current < tensors.count ? tensors[current].byteCount : 0
  }

  package consuming func finish() throws {
    precondition(current == tensors.count, "\(tensors.count - current) tensors were not written")
    try file.finish()
  }

  /// Everything before the first tensor's bytes.
  package static func header(
    metadata: [(key: String, value: GGUFValue)], tensors: [Tensor]
  ) -> [UInt8] {
    var bytes = Array("GGUF".utf8)
    bytes.append(littleEndian: UInt32(3))
    bytes.append(littleEndian: UInt64(tensors.count))
    bytes.append(littleEndian: UInt64(metadata.count))
    for (key, value) in metadata {
      bytes.append(gguf: key)
      bytes.append(littleEndian: value.type.rawValue)
      value.append(to: &bytes)
    }
    var offset = 0
    for tensor in tensors {
      bytes.append(gguf: tensor.name)
      bytes.append(littleEndian: UInt32(tensor.shape.count))
      for dimension in tensor.shape.reversed() { bytes.append(littleEndian: UInt64(dimension)) }
      bytes.append(littleEndian: tensor.type.rawValue)
      bytes.append(littleEndian: UInt64(offset))
      offset += tensor.byteCount + padding(tensor.byteCount)
    }
    return bytes + [UInt8](repeating: 0, count: padding(bytes.count))
  }

  private static func padding(_ count: Int) -> Int {
    (alignment - count % alignment) % alignment
  }
}
