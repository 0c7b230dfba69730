import ApusCompute
import ApusCore

/// One memory-mapped safetensors file, validated when it is opened.
///
/// Format: 8 bytes of header length, a JSON header of at most 100 MB, then the data
/// (https://github.com/huggingface/safetensors#format).
package struct SafetensorsFile: Sendable {
  static let headerLimit = 100_000_000

  package let file: MappedFile
  /// By the names in the file.
  package let tensors: [String: TensorInfo]
  /// Tensors of number types that no kernel reads, with the type: an error only for who asks for one.
  package let unsupported: [String: String]

  package init(path: String) throws {
    let file = try MappedFile(path: path)
    func malformed(_ reason: String) -> CheckpointError { .malformed(file: path, reason: reason) }
    guard file.count >= 8 else { throw malformed("it is shorter than 8 bytes") }
    let length = file.uint64(at: 0)
    guard length <= UInt64(Self.headerLimit), length <= UInt64(file.count - 8) else {
      throw malformed("a header of \(length) bytes does not fit into \(file.count) bytes")
    }
    let dataStart = 8 + Int(length)
    let header: JSONValue
    do { header = try JSONValue(parsing: file.bytes(8..<dataStart)) } catch let error as JSONError {
      throw malformed("header: \(error)")
    }
    guard let entries = header.objectValue?.entries else {
      throw malformed("the header is no JSON object")
    }
    var tensors: [String: TensorInfo] = [:]
    var unsupported: [String: String] = [:]
    for (name, entry) in entries where name != "__metadata__" {
      guard tensors[name] == nil, unsupported[name] == nil else {
        throw malformed("tensor '\(name)' stands twice")
      }
      let declaration = try Declaration(name, entry, roomFor: file.count - dataStart, path: path)
      if let type = try declaration.checkedType(path: path) {
        tensors[name] = TensorInfo(
          name: name, type: type, shape: declaration.shape, file: file,
          offset: dataStart + declaration.range.lowerBound, byteCount: declaration.range.count)
      } else {
        unsupported[name] = declaration.type
      }
    }
    try checkOverlap(of: Array(tensors.values), file: path)
    self.file = file
    self.tensors = tensors
    self.unsupported = unsupported
  }

  /// One entry of the header.
  private struct Declaration {
    let name: String
    let type: String
    let shape: [Int]
    /// From the start of the data.
    let range: Range<Int>

    init(_ name: String, _ entry: JSONValue, roomFor room: Int, path: String) throws {
      func malformed(_ reason: String) -> CheckpointError {
        .malformed(file: path, reason: "tensor '\(name)' \(reason)")
      }
      guard let type = entry["dtype"]?.stringValue else { throw malformed("has no dtype") }
      guard let shape = entry["shape"]?.arrayValue?.map(\.intValue),
        shape.allSatisfy({ $0 != nil })
      else { throw malformed("has no shape") }
      guard let offsets = entry["data_offsets"]?.arrayValue?.map(\.intValue), offsets.count == 2,
        let start = offsets[0], let end = offsets[1]
      else { throw malformed("has no data_offsets") }
      guard start >= 0, start <= end, end <= room else {
        throw malformed("lies at \(start)..<\(end), outside of the \(room) bytes of data")
      }
      self.name = name
      self.type = type
      self.shape = shape.compactMap { $0 }
      self.range = start..<end
    }

    /// The tensor's type when it can be read; throws when the shape does not go with the bytes.
    func checkedType(path: String) throws -> TensorType? {
      let types: [String: TensorType] = ["F32": .f32, "F16": .f16, "BF16": .bf16]
      guard let tensorType = types[type], shape.count <= 4 else { return nil }
      if shape.contains(0), range.isEmpty { return nil }
      guard let count = elementCount(ofShape: shape),
        tensorType.byteCount(of: count) == range.count
      else {
        throw CheckpointError.malformed(
          file: path,
          reason: "tensor '\(name)' of shape \(shape) and type \(type) has \(range.count) bytes")
      }
      return tensorType
    }
  }
}
