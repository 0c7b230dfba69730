import ApusCompute
import ApusCore
import Foundation

/// All files of a model that `gguf-split` cut up, or the one file it is.
struct GGUFShards {
  /// The first has the metadata.
  let files: [GGUFFile]

  /// Opens the model that `path`, any of its files, belongs to.
  init(path: String) throws {
    let file = try GGUFFile(path: path)
    let count = file.metadata["split.count"]?.intValue ?? 0
    guard count > 1 else {
      files = [file]
      return
    }
    let suffix = Self.suffix(index: file.metadata["split.no"]?.intValue ?? -1, count: count)
    guard let suffix, path.hasSuffix(suffix) else {
      throw CheckpointError.malformed(
        file: path,
        reason: "it is one of \(count) parts, but is not named PREFIX-0000N-of-0000M.gguf"
      )
    }
    let prefix = path.dropLast(suffix.count)
    var files: [GGUFFile] = []
    for index in 0..<count {
      let part = try GGUFFile(path: prefix + (Self.suffix(index: index, count: count) ?? ""))
      guard part.metadata["split.no"]?.intValue == index,
        part.metadata["split.count"]?.intValue == count
      else {
        throw CheckpointError.malformed(
          file: part.file.path, reason: "it is not part \(index + 1) of \(count)")
      }
      files.append(part)
    }
    self.files = files
  }

  var metadata: Metadata { files[0].metadata }

  /// The tensors of all files by name.
  func tensors() throws -> [String: TensorInfo] {
    var result: [String: TensorInfo] = [:]
    for file in files {
      for tensor in file.tensors where result.updateValue(tensor, forKey: tensor.name) != nil {
        throw CheckpointError.malformed(
          file: file.file.path, reason: "tensor '\(tensor.name)' stands in two parts")
      }
    }
    return result
  }

  private static func suffix(index: Int, count: Int) -> String? {
    guard (0..<count).contains(index), count < 100_000 else { return nil }
    return String(format: "-%05d-of-%05d.gguf", index + 1, count)
  }
}
