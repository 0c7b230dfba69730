import Foundation

/// What kind of model a path points to.
enum ModelLocation {
  case gguf(String)
  case huggingFace(folder: String, weights: Weights)

  enum Weights {
    case file(String)
    case index(String)
  }

  private static let indexSuffix = ".safetensors.index.json"

  init(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw CheckpointError.notAModel(path: path, reason: "it does not exist")
    }
    if let names = try? FileManager.default.contentsOfDirectory(atPath: path) {
      self = try Self.search(path, names.sorted())
    } else if path.hasSuffix(".safetensors") {
      self = .huggingFace(folder: Self.folder(of: path), weights: .file(path))
    } else if path.hasSuffix(Self.indexSuffix) {
      self = .huggingFace(folder: Self.folder(of: path), weights: .index(path))
    } else {
      self = .gguf(path)
    }
    if case .huggingFace(let folder, _) = self,
      !FileManager.default.fileExists(atPath: folder + "/config.json")
    {
      throw CheckpointError.notAModel(path: path, reason: "there is no config.json in \(folder)")
    }
  }

  /// The model in a directory: the usual names first, then the only file of its kind.
  private static func search(_ folder: String, _ names: [String]) throws -> ModelLocation {
    if names.contains("model.safetensors") {
      return .huggingFace(folder: folder, weights: .file(folder + "/model.safetensors"))
    }
    let indices = names.filter { $0.hasSuffix(indexSuffix) }
    if let index = indices.first, indices.count == 1 {
      return .huggingFace(folder: folder, weights: .index(folder + "/" + index))
    }
    let weights = names.filter { $0.hasSuffix(".safetensors") }
    if let file = weights.first, weights.count == 1 {
      return .huggingFace(folder: folder, weights: .file(folder + "/" + file))
    }
    let gguf = names.filter { $0.hasSuffix(".gguf") }
    if let file = gguf.first,
      gguf.count == 1 || file.contains("-00001-of-\(String(format: "%05d", gguf.count)).gguf")
    {
      return .gguf(folder + "/" + file)
    }
    throw CheckpointError.notAModel(
      path: folder,
      reason: "it holds \(gguf.count) .gguf files and \(weights.count) .safetensors files; name one"
    )
  }

  private static func folder(of path: String) -> String {
    let folder = (path as NSString).deletingLastPathComponent
    return folder.isEmpty ? "." : folder
  }

  /// What to call a model that does not name itself: its file or folder, without the extension.
  static func name(ofFile path: String) -> String {
    let last = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
    for suffix in [".gguf", ".safetensors"] where last.hasSuffix(suffix) {
      return String(last.dropLast(suffix.count))
    }
    return last
  }
}

extension Checkpoint {
  static func tokenizerFiles(in folder: String) -> TokenizerSource {
    func path(_ name: String) -> String? {
      let path = folder + "/" + name
      return FileManager.default.fileExists(atPath: path) ? path : nil
    }
    return .files(
      tokenizerJSON: path("tokenizer.json"), tokenizerConfig: path("tokenizer_config.json"),
      vocabulary: path("vocab.json") ?? path("vocab.txt"), merges: path("merges.txt"),
      sentencePiece: path("tokenizer.model"), chatTemplate: path("chat_template.jinja"))
  }
}
