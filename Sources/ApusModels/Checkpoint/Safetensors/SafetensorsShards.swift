import ApusCompute
import ApusCore
import Foundation

/// The tensors of a Hugging Face model: one safetensors file, or several with an index.
struct SafetensorsShards {
  /// By the names in the files.
  private(set) var tensors: [String: TensorInfo] = [:]
  private(set) var unsupported: [String: String] = [:]

  /// Opens one file.
  init(file path: String) throws {
    let file = try SafetensorsFile(path: path)
    tensors = file.tensors
    unsupported = file.unsupported
  }

  /// Opens the files that `model.safetensors.index.json` (or another of that form) names.
  init(index path: String) throws {
    let index = try readJSON(path)
    guard let map = index["weight_map"]?.objectValue?.entries else {
      throw CheckpointError.malformed(file: path, reason: "it has no weight_map")
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var files: [String: SafetensorsFile] = [:]
    for (name, value) in map {
      guard let fileName = value.stringValue, !fileName.isEmpty, !fileName.contains("/"),
        fileName != "..", fileName != ".", !fileName.utf8.contains(0)
      else {
        throw CheckpointError.malformed(
          file: path, reason: "weight_map['\(name)'] is no plain file name")
      }
      let file = try files[fileName] ?? SafetensorsFile(path: folder + "/" + fileName)
      files[fileName] = file
      if let type = file.unsupported[name] {
        unsupported[name] = type
      } else if let tensor = file.tensors[name] {
        tensors[name] = tensor
      } else {
        throw CheckpointError.missingTensor(file: file.file.path, tensor: name)
      }
    }
  }
}

/// Reads a JSON file of at most 100 MB; throws `FileError` or `CheckpointError`.
package func readJSON(_ path: String) throws -> JSONValue {
  let file = try MappedFile(path: path)
  guard file.count <= SafetensorsFile.headerLimit else {
    throw CheckpointError.malformed(file: path, reason: "it is larger than 100 MB")
  }
  do {
    return try JSONValue(parsing: file.bytes(0..<file.count))
  } catch let error as JSONError {
    throw CheckpointError.malformed(file: path, reason: error.description)
  }
}
